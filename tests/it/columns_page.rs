//! The page of the columns is the table in the code.

use std::fmt::Write as _;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/columns.md");

fn page() -> String {
    let mut page =
        "# Columns\n\nGenerated from the code; `UPDATE_PAGES=1 cargo test columns_page` writes it anew.\n".to_owned();
    let tables = [
        ("messages", "One row a message, as served: copies in several hours are several rows.", archive::columns()),
        (
            "hours",
            "The ledger: one row an attempt at an hour; the newest row of an hour is its state.",
            archive::entry_columns(),
        ),
        ("dead_letters", "Lines that are no JSON object, as served.", archive::dead_letter_columns()),
        (
            "attachments",
            "The files that messages speak of, a row for each; there from the first `annals media fetch` on.",
            archive::attachment_columns(),
        ),
    ];
    for (name, about, columns) in tables {
        let _infallible = write!(page, "\n## {name}\n\n{about}\n\n| column | type | meaning |\n| --- | --- | --- |\n");
        for column in columns {
            let _infallible = writeln!(page, "| `{}` | {} | {} |", column.name, column.type_word, column.doc);
        }
    }
    page.push_str("\nAn archive may have columns of its own in `messages`, behind these: see [schema.md](schema.md#a-column-for-a-member).\n");
    page.push_str("\n`messages`, `dead_letters` and `attachments` are partitioned by `date`, the UTC date of `source_hour`; it is not in the files.\n");
    page
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests asks for the page to be written")]
fn the_page_is_what_the_code_says() {
    let page = page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PAGE).unwrap_or_default(), page, "run UPDATE_PAGES=1 cargo test columns_page");
}
