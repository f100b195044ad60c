//! Messages as a page that reads as a chat: one file that loads nothing and runs nothing. Every text in it is escaped by the
//! template, and has the direction of its own script.

use chat::{Message, Timestamp, show_time};
use index::Query;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use query::{Group, Line};

use crate::commands::message::gist;
use crate::commands::query::hits::{gap, words};
use crate::output::without_controls;

const STYLE: &str = include_str!("chat_page.css");

/// Nothing may be loaded and nothing may run, whatever stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page; `asked` is the query as it was typed.
#[must_use]
pub(super) fn page(groups: &[Group], query: &Query, asked: &str) -> String {
    let hits = groups.iter().flat_map(|group| &group.lines).filter(|line| line.is_hit).count();
    let title = if asked.trim().is_empty() { "Messages" } else { asked };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 dir="auto" { (title) }
                    p class="count" { (hits) @if hits == 1 { " message" } @else { " messages" } }
                    @for group in groups { (section(group, query)) }
                }
                footer { "Written by annals " (env!("CARGO_PKG_VERSION")) ". Times are in UTC." }
            }
        }
    };
    without_controls(page.into_string())
}

fn section(group: &Group, query: &Query) -> Markup {
    let conversation = group.lines.first().and_then(|line| line.message.conversation.as_deref());
    let days: Vec<Option<String>> = group.lines.iter().map(|line| line.message.sent_at.map(day)).collect();
    html! {
        section {
            h2 dir="auto" { (conversation.unwrap_or("no conversation")) }
            @for (at, line) in group.lines.iter().enumerate() {
                @if let Some(gap) = gap(line) { p class="gap" { (gap) } }
                @if at == 0 || days.get(at - 1) != days.get(at) {
                    p class="day" { (days.get(at).and_then(Option::as_deref).unwrap_or("no time")) }
                }
                (bubble(line, query))
            }
        }
    }
}

/// `2026-03-14`.
fn day(time: Timestamp) -> String {
    show_time(time).chars().take("2026-03-14".len()).collect()
}

fn bubble(line: &Line, query: &Query) -> Markup {
    let message = &line.message;
    let side = if is_right(message) { "right" } else { "left" };
    let hit = if line.is_hit { " hit" } else { "" };
    html! {
        article class={ "bubble " (side) (hit) } id=[message.msg_id.as_deref()] {
            p class="who" {
                bdi { (message.sender.as_deref().unwrap_or("nobody")) }
                @if let Some(time) = message.sent_at { " " time datetime=(show_time(time)) { (clock(time)) } }
                @for word in words(line.changes) { " " span class="mark" { (word) } }
            }
            p class="text" dir="auto" { (highlighted(&gist(message), query)) }
        }
    }
}

/// `09:00:04`.
fn clock(time: Timestamp) -> String {
    show_time(time).chars().skip("2026-03-14T".len()).take("09:00:04".len()).collect()
}

/// Of two who talk with one another, the second in the key stands on the right.
fn is_right(message: &Message<'_>) -> bool {
    let users = message.conversation.as_deref().and_then(|key| key.strip_prefix("chat:"));
    let second = users.and_then(|users| users.split_once(':')).map(|(_, second)| second);
    second.is_some() && message.sender.as_deref() == second
}

fn highlighted(text: &str, query: &Query) -> Markup {
    let marks = query.highlight(text);
    let mut from = 0;
    let pieces: Vec<(&str, &str)> = marks
        .iter()
        .map(|mark| {
            let before = text.get(from..mark.start).unwrap_or_default();
            from = mark.end;
            (before, text.get(mark.clone()).unwrap_or_default())
        })
        .collect();
    html! {
        @for (before, marked) in pieces { (before) mark { (marked) } }
        (text.get(from..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use chat::{Position, parse_time};
    use index::Changes;

    use super::*;

    fn line(sender: &'static str, text: &'static str, time: &str, is_hit: bool) -> Line {
        let position = Position { source_hour: "2026031409".parse().unwrap(), part: 0, line: 1 };
        let message = Message {
            sender: Some(sender.into()),
            conversation: Some("chat:mara:teo".into()),
            text: Some(text.into()),
            body_type: Some(chat::BodyType::Txt),
            sent_at: parse_time(time).ok(),
            ..Message::at(position)
        };
        Line { message, is_hit, changes: Changes::default(), missing_before: Vec::new() }
    }

    #[test]
    fn a_page_reads_as_a_chat() {
        let mut late = line("teo", "<b>tide</b> & \"ebb\"\u{1b}[0m\u{7}", "2026-03-15T10:00:00Z", true);
        late.changes.is_recalled = true;
        late.missing_before = vec!["2026031410".parse().unwrap()];
        let groups = [Group { lines: vec![line("mara", "رصيف", "2026-03-14T09:00:00Z", false), late] }];
        let page = page(&groups, &Query::parse("tide").unwrap(), "tide");
        for part in [
            "<h2 dir=\"auto\">chat:mara:teo</h2>",
            "<p class=\"day\">2026-03-14</p>",
            "<article class=\"bubble left\"><p class=\"who\"><bdi>mara</bdi>",
            "<p class=\"text\" dir=\"auto\">رصيف</p>",
            "<p class=\"gap\">… 2026-03-14T10Z is not archived …</p><p class=\"day\">2026-03-15</p>",
            "<article class=\"bubble right hit\">",
            "<time datetime=\"2026-03-15T10:00:00Z\">10:00:00</time> <span class=\"mark\">recalled</span>",
            "&lt;b&gt;<mark>tide</mark>&lt;/b&gt; &amp; &quot;ebb&quot;␛[0m␇</p>",
            "<p class=\"count\">1 message</p>",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"), "{page}");
    }
}
