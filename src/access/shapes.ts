import type { CallerClass } from "./callers.js";
import { ordinaryShapes } from "./ordinary-shape.js";
import { serviceShapes } from "./service-shape.js";
import type { Shape, ShapeContext } from "./shape.js";

/** All shapes that requests of a class can have, as far as the documents can tell them apart. */
export function shapes(cls: CallerClass, x: ShapeContext): Generator<Shape> {
  return cls.kind === "service" ? serviceShapes(cls, x) : ordinaryShapes(cls, x);
}
