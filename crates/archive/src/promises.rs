//! What a table's log says of a file, held against what the file says itself.

use serde_json::{Map, Value as Json};

use crate::statistics::Statistics;

impl Statistics {
    /// What the statistics of an `add` action promise and this file does not keep, in words that go on behind "the log".
    /// Readers skip files by them. They may promise less than could be said: versions differ in how much they say.
    #[must_use]
    pub fn broken_promises(&self, log: &str) -> Vec<String> {
        let (Ok(log), Ok(file)) =
            (serde_json::from_str::<Json>(log), serde_json::from_str::<Json>(&self.to_delta_json()))
        else {
            return vec!["has statistics that are no JSON".to_owned()];
        };
        let mut found = Vec::new();
        if let (Some(said), Some(rows)) = (log["numRecords"].as_u64(), file["numRecords"].as_u64())
            && said != rows
        {
            found.push(format!("says {said} rows, and there are {rows}"));
        }
        for (column, said, is) in both(&log["nullCount"], &file["nullCount"]) {
            if said != is {
                found.push(format!("says that `{column}` is null in {said} rows, and it is in {is}"));
            }
        }
        for (column, said, is) in both(&log["minValues"], &file["minValues"]) {
            if is_less(is, said) {
                found.push(format!("says that no `{column}` is less than {said}, and {is} is"));
            }
        }
        for (column, said, is) in both(&log["maxValues"], &file["maxValues"]) {
            if is_less(said, is) {
                found.push(format!("says that no `{column}` is greater than {said}, and {is} is"));
            }
        }
        found
    }
}

/// What both say of a column.
fn both<'v>(log: &'v Json, file: &'v Json) -> impl Iterator<Item = (&'v str, &'v Json, &'v Json)> {
    let of_file = |column: &str| file.as_object().and_then(|columns| columns.get(column));
    let columns = log.as_object().into_iter().flat_map(Map::iter);
    columns.filter_map(move |(column, said)| Some((column.as_str(), said, of_file(column)?)))
}

/// Times are texts of one form, in the order of time.
fn is_less(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::String(one), Json::String(other)) => one < other,
        (one, other) => one.as_i64().zip(other.as_i64()).is_some_and(|(one, other)| one < other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{ColumnStatistics, Value};

    fn footer() -> Statistics {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let time = |at: i64| chat::Timestamp::from_timestamp_millis(at).map(Value::Time);
        let column = |name, min, max| ColumnStatistics { name, nulls: Some(2), min, max };
        let number = |number| Some(Value::Int(number));
        let columns = vec![
            column("sender", text("ahoy"), text("tide")),
            column("sent_at", time(1_773_478_800_000), time(1_773_482_399_000)),
            column("line", number(9), number(10)),
        ];
        Statistics { rows: 7, columns, promoted: Vec::new() }
    }

    #[test]
    fn a_log_that_promises_what_the_file_does_not_keep_is_told() {
        assert!(footer().broken_promises(&footer().to_delta_json()).is_empty());
        let less = r#"{"numRecords":7,"minValues":{"sender":"a","line":1},"maxValues":{},"nullCount":{"other":1}}"#;
        assert!(footer().broken_promises(less).is_empty(), "it may promise less");
        for (log, expected) in [
            (r#"{"numRecords":8}"#, "says 8 rows, and there are 7"),
            (r#"{"nullCount":{"sender":1}}"#, "says that `sender` is null in 1 rows, and it is in 2"),
            (r#"{"minValues":{"sender":"b"}}"#, r#"says that no `sender` is less than "b", and "ahoy" is"#),
            (r#"{"maxValues":{"line":9}}"#, "says that no `line` is greater than 9, and 10 is"),
            (
                r#"{"maxValues":{"sent_at":"1026-03-14T09:59:59.000Z"}}"#,
                r#"says that no `sent_at` is greater than "1026-03-14T09:59:59.000Z", and "2026-03-14T09:59:59.000Z" is"#,
            ),
            ("{", "has statistics that are no JSON"),
        ] {
            assert_eq!(footer().broken_promises(log), [expected]);
        }
    }
}
