import { everyExposedPolicy } from "../exposed-run.js";

everyExposedPolicy();
