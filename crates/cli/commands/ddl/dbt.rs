//! A file of sources for dbt.

use std::fmt::Write as _;

use super::{Definition, PARTITION};

/// Sources with tests: how fresh the ledger is, what is never null, what is there once.
pub(super) fn sources(tables: &[Definition]) -> String {
    let mut out = HEAD.to_owned();
    for table in tables {
        // Writing to a string does not fail.
        let _infallible = write!(out, "\n      - name: {}\n        description: {}\n", table.name, about(table.name));
        out.push_str(freshness(table.name));
        out.push_str(unique(table.name));
        out.push_str("        columns:\n");
        for column in &table.columns {
            let _infallible =
                write!(out, "          - name: {}\n            data_type: {}\n", column.name, column.type_word);
            if !column.nullable {
                out.push_str("            data_tests: [not_null]\n");
            }
        }
        if table.is_partitioned {
            let _infallible = write!(out, "          - name: {PARTITION}\n            data_type: date\n");
        }
    }
    out
}

const HEAD: &str = "\
version: 2

sources:
  - name: annals
    description: The message history of an app, archived by annals
    tables:";

fn about(table: &str) -> &'static str {
    match table {
        "messages" => "One row a message, as served; copies in several hours are several rows",
        "hours" => "The ledger, one row an attempt at an hour; the newest row of an hour is its state",
        "attachments" => "One row a file or thumbnail that a message speaks of, with what became of it",
        _ => "Lines that are no JSON object, as served",
    }
}

/// A run that finds nothing to do writes no row, and hours are ready a day late at the most.
fn freshness(table: &str) -> &'static str {
    match table {
        "hours" => {
            "        loaded_at_field: recorded_at\n        freshness:\n          warn_after: {count: 12, period: hour}\n          \
             error_after: {count: 36, period: hour}\n"
        }
        "messages" => {
            "        loaded_at_field: sent_at\n        freshness:\n          warn_after: {count: 36, period: hour}\n          \
             error_after: {count: 72, period: hour}\n"
        }
        _ => "",
    }
}

fn unique(table: &str) -> &'static str {
    match table {
        "hours" => {
            "        data_tests:\n          - unique:\n              column_name: \
             \"(source_hour || '/' || cast(recorded_at as varchar))\"\n"
        }
        "attachments" => {
            "        data_tests:\n          - unique:\n              column_name: \
             \"(source_hour || '/' || cast(part as varchar) || '/' || cast(line as varchar) || '/' || kind)\"\n"
        }
        _ => {
            "        data_tests:\n          - unique:\n              column_name: \
             \"(source_hour || '/' || cast(part as varchar) || '/' || cast(line as varchar))\"\n"
        }
    }
}
