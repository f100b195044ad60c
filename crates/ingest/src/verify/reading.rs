//! What a served line is read as, held against the columns of its row.
//!
//! A row gives its line back whatever its columns say of what `rest` has, too, and some columns follow from others. So the line
//! is read once more, and all columns of its row are to be what comes of that.
//!
//! Not every difference is damage. Another version of the program may have read the line otherwise, a row of an older format has
//! null in a column that came later, and addresses are stripped of the app that was known then (`api.base_url`). Such rows are
//! counted, as what would be read otherwise today.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chat::{App, Message, Position};

use super::finding::Astray;

/// How lines are read today, and whether their rows were made so.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// The app, if it is known.
    pub(super) app: Option<App>,
    /// Whether the rows are from this version of the program.
    pub(super) is_todays: bool,
}

/// What the columns of a row are to its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// What the line is read as.
    Alike,
    /// What the line may have been read as.
    Otherwise,
    /// Something else.
    Different,
}

impl Reading {
    /// Holds the [`fingerprint`] of a row against the record of its line.
    pub(super) fn hold(&self, columns: u64, position: Position, record: &str) -> Columns {
        let read = |app: Option<&App>| decode::message_of(record, position, app);
        let is = |message: &Message<'_>| fingerprint(message) == columns;
        let Some(today) = read(self.app.as_ref()) else { return Columns::Different };
        if is(&today) {
            return Columns::Alike;
        }
        let plain = read(None);
        let named: Vec<_> = plain.iter().flat_map(apps_in).filter_map(|app| read(Some(&app))).collect();
        // Whoever archived the hour may have known the app.
        if self.app.is_none() && named.iter().any(is) {
            return Columns::Alike;
        }
        let mut readings = [Some(today), plain].into_iter().flatten().chain(named);
        let may_be = readings.any(|message| is(&message) || is(&Message { about: None, ..message }));
        if may_be || !self.is_todays { Columns::Otherwise } else { Columns::Different }
    }

    /// The first column in which a row is not what the record of its line is read as.
    pub(super) fn first_difference(&self, row: &Message<'_>, record: &str) -> Option<Astray> {
        let line = decode::message_of(record, row.position, self.app.as_ref())?;
        let mut pairs = archive::cells(row).zip(archive::cells(&line));
        let ((column, row), (_, line)) = pairs.find(|((_, row), (_, line))| row != line)?;
        Some(Astray::Column { column, row: shown(column, row), line: shown(column, line) })
    }
}

/// A number that is equal for rows that are the same in every column.
pub(super) fn fingerprint(message: &Message<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    archive::cells(message).for_each(|(_, cell)| cell.hash(&mut hasher));
    hasher.finish()
}

/// The apps that may stand in front of a name of a message, as in `org#app_name`: where the one ends and the other begins, a name with
/// several `_` does not say.
fn apps_in(message: &Message<'_>) -> Vec<App> {
    let texts = [&message.sender, &message.recipient, &message.conversation];
    let mut names = texts.into_iter().flatten().flat_map(|text| text.split(':'));
    let Some((org, name)) = names.find_map(|name| name.split_once('#')) else { return Vec::new() };
    let ends = name.match_indices('_').take(MOST_APPS).map(|(end, _)| end);
    ends.filter_map(|end| name.get(..end)).map(|app| App::new(org, app)).collect()
}

/// Apps that a name is tried for.
const MOST_APPS: usize = 8;

/// Columns that are share secrets, or JSON that may hold one.
const SECRET: [&str; 5] = ["secret", "thumb_secret", "custom_exts", "ext", "rest"];

/// Characters of a value that are shown.
const SHOWN: usize = 40;

fn shown(column: &str, value: Option<Cow<'_, str>>) -> String {
    let Some(value) = value else { return "null".to_owned() };
    if SECRET.contains(&column) {
        return "`…`".to_owned();
    }
    let value = chat::without_share_secrets(&value);
    if value.chars().count() > SHOWN {
        return format!("`{}…`", value.chars().take(SHOWN).collect::<String>());
    }
    format!("`{value}`")
}

#[cfg(test)]
mod tests {
    use chat::Hour;

    use super::*;

    const RECORD: &str = r#"{"msg_id":"1","chat_type":"recall","from":"harbor#lantern_gull","to":"harbor#lantern_tern",
        "payload":{"bodies":[],"ext":{},"ack_message_id":"7"}}"#;

    fn position() -> Position {
        Position { source_hour: Hour::from_number(0), part: 0, line: 1 }
    }

    #[test]
    fn an_app_with_the_sign_behind_it_in_its_name_is_known() {
        let record =
            r#"{"msg_id":"1","from":"harbor#lan_tern_gull_7","to":"harbor#lan_tern_tern","payload":{"bodies":[]}}"#;
        let row = decode::message_of(record, position(), Some(&App::new("harbor", "lan_tern"))).unwrap();
        assert_eq!(row.sender.as_deref(), Some("gull_7"));
        let reading = Reading { app: None, is_todays: true };
        assert_eq!(reading.hold(fingerprint(&row), position(), record), Columns::Alike);
    }

    fn row(app: Option<&App>) -> Message<'static> {
        decode::message_of(RECORD, position(), app).unwrap()
    }

    #[test]
    fn what_may_have_been_read_so_is_told_from_what_may_not() {
        let lantern = App::new("harbor", "lantern");
        let check = |app: Option<&App>, is_todays, row: &Message<'_>, expected| {
            let reading = Reading { app: app.cloned(), is_todays };
            assert_eq!(reading.hold(fingerprint(row), position(), RECORD), expected, "{row:?}");
        };
        let (bare, decorated) = (row(Some(&lantern)), row(None));
        assert_ne!(bare.conversation, decorated.conversation);
        assert_eq!(bare.about.as_deref(), Some("7"));
        check(Some(&lantern), true, &bare, Columns::Alike);
        check(None, true, &decorated, Columns::Alike);
        check(None, true, &bare, Columns::Alike);
        check(Some(&lantern), true, &decorated, Columns::Otherwise);
        check(Some(&App::new("harbor", "buoy")), true, &bare, Columns::Otherwise);
        check(Some(&lantern), true, &Message { about: None, ..bare.clone() }, Columns::Otherwise);
        let forged = Message { about: Some("8".into()), ..bare };
        check(Some(&lantern), true, &forged, Columns::Different);
        check(Some(&lantern), false, &forged, Columns::Otherwise);
    }

    #[test]
    fn a_column_is_named_with_what_it_has_and_should_have() {
        let reading = Reading { app: None, is_todays: true };
        let differs = |change: fn(&mut Message<'static>)| {
            let mut row = row(None);
            change(&mut row);
            reading.first_difference(&row, RECORD).map(|what| what.to_string())
        };
        assert_eq!(differs(|_| {}), None);
        let said = "the message is not what its line gives: the column";
        let about = differs(|row| row.about = Some("8".into())).unwrap();
        assert_eq!(about, format!("{said} `about` has `8`, and the line gives `7`"));
        let text = differs(|row| row.text = Some("tide".repeat(20).into())).unwrap();
        assert_eq!(text, format!("{said} `text` has `{}…`, and the line gives null", "tide".repeat(10)));
        let secret = differs(|row| row.secret = Some("s3cret".into())).unwrap();
        assert_eq!(secret, format!("{said} `secret` has `…`, and the line gives null"));
        let url = differs(|row| row.url = Some("https://h/f?share-secret=s3cret".into())).unwrap();
        assert!(url.contains("`url`") && !url.contains("s3cret"), "{url}");
    }
}
