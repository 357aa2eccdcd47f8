/** The control that keyward checks. Sources of the mappings: docs/control.md. */
export const CONTROL = {
  id: "kms-keys-not-exposed",
  title: "Ensure that AWS KMS customer-managed keys are not exposed",
  profileLevel: 1,
  mappings: {
    "CIS AWS Foundations Benchmark 7.0": ["2.21"],
    "SOC 2 (Trust Services Criteria 2017)": ["CC6.1", "CC6.3"],
    "ISO/IEC 27001:2022": ["A.5.15", "A.8.3", "A.8.24"],
    "HIPAA Security Rule": ["164.308(a)(4)(i)", "164.312(a)(1)", "164.312(a)(2)(iv)"],
    "PCI DSS 4.0": ["3.6.1", "3.6.1.3", "7.2.1", "7.2.2"],
  },
} as const;

/** Name and version of the report's format. Fields are only ever added within a version. */
export const REPORT_SCHEMA = "keyward.report/1";
