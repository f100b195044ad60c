//! The status as a page: one file that loads nothing and runs nothing. Every text in it is escaped by the template.

mod picture;

use chat::State;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::commands::status::calendar::Mark;
use crate::commands::status::facts::Facts;
use crate::commands::status::text::{Paint, calendar};
use crate::commands::status::words::{advice, attachments, freshness, hours, moment, time_left, verdict};
use crate::commands::summary::IN_ORDER;
use crate::output::{bytes, visible};

const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded and nothing may run, whatever stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page. Of the last days each has a row of its own in the calendar.
#[must_use]
pub(super) fn page(facts: &Facts, last_days: usize) -> String {
    let app = facts.app.as_ref().map_or_else(|| "an app not yet known".to_owned(), ToString::to_string);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (app) ": " (verdict(facts)) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                h1 { (app) }
                p class={ "verdict " (mood(facts)) } { (verdict(facts)) }
                (as_of(facts))
                @if facts.bounds().is_some() {
                    (picture_and_letters(facts, last_days))
                    (at_risk(facts))
                    (gaps(facts))
                    (failures(facts))
                    (totals(facts))
                }
            } footer { "Written by annals " (env!("CARGO_PKG_VERSION")) ". Hours are those of the service's files, in UTC." } }
        }
    }
    .into_string()
}

/// How alarming the verdict looks; its words say it, too.
fn mood(facts: &Facts) -> &'static str {
    if facts.count(Mark::AtRisk) > 0 || !facts.coverage.newly_lost.is_empty() {
        "alarm"
    } else if facts.missing() > 0 {
        "attention"
    } else {
        "well"
    }
}

fn as_of(facts: &Facts) -> Markup {
    let now = moment(facts.coverage.now);
    html! {
        p class="faint" {
            @if let Some(bounds) = facts.bounds() {
                (hours(bounds.hours())) " from " (bounds.first) " to " (bounds.last) ", "
            }
            "as of " time datetime=(now) { (now) }
            @if let Some(freshness) = freshness(facts) { "; " (freshness) }
        }
        @if let Some(advice) = advice(facts) { p class="advice" { (advice) } }
    }
}

fn picture_and_letters(facts: &Facts, last_days: usize) -> Markup {
    html! {
        section {
            h2 { "Hours" }
            (picture::legend(&facts.days))
            div class="wide" { (picture::calendar(&facts.days, last_days)) }
            details {
                summary { "The same in letters" }
                pre { (calendar(&facts.days, last_days, Paint::Nothing)) }
            }
        }
    }
}

fn at_risk(facts: &Facts) -> Markup {
    let at_risk: Vec<_> = facts.coverage.at_risk().collect();
    html! {
        @if !at_risk.is_empty() {
            section {
                h2 { "At risk" }
                table {
                    thead { tr { th scope="col" { "hour" } th scope="col" { "lost in" } th scope="col" { "at" } } }
                    tbody { @for (hour, lost_at) in at_risk {
                        tr { td { (hour) } td { (time_left(lost_at, facts.coverage.now)) } td { (moment(lost_at)) } }
                    } }
                }
            }
        }
    }
}

fn gaps(facts: &Facts) -> Markup {
    let words = |state: State| if state == State::Pending { Mark::Missing.words() } else { state.word() };
    html! {
        section {
            h2 { "Not archived" }
            @if facts.gaps.is_empty() { p { "Nothing is missing." } } @else {
                table {
                    thead { tr {
                        th scope="col" { "state" } th scope="col" class="number" { "hours" } th scope="col" { "which" }
                    } }
                    tbody { @for gap in &facts.gaps {
                        tr { td { (words(gap.state)) } td class="number" { (gap.span.hours()) } td { (gap.span) } }
                    } }
                }
            }
        }
    }
}

fn failures(facts: &Facts) -> Markup {
    html! {
        @if !facts.failures.is_empty() {
            section {
                h2 { "Went wrong" }
                table {
                    thead { tr {
                        th scope="col" { "hour" } th scope="col" { "is" } th scope="col" { "last tried" } th scope="col" { "why" }
                    } }
                    tbody { @for failure in &facts.failures {
                        tr {
                            td { (failure.hour) } td { (failure.state.word()) } td { (moment(failure.at)) }
                            td { (visible(&failure.error)) }
                        }
                    } }
                }
            }
        }
    }
}

fn totals(facts: &Facts) -> Markup {
    let (coverage, tally) = (&facts.coverage, &facts.coverage.tally);
    let states = IN_ORDER.map(|state| (format!("hours {state}"), coverage.hours(state).count() as u64));
    let counts = [
        ("hours unpromised", coverage.unpromised.len() as u64),
        ("lines", tally.lines),
        ("messages", tally.messages),
        ("duplicates", tally.duplicates),
        ("dead letters", tally.dead_letters),
        ("blank lines", tally.blank_lines),
        ("messages kept that the newest hour files no longer have", tally.retained),
        ("hours that grew after they were first archived", facts.grown.len() as u64),
        ("hours still to be indexed", facts.not_indexed),
    ];
    html! {
        section {
            h2 { "Totals" }
            table { tbody {
                @for (name, count) in states { (total(&name, count)) }
                @for (name, count) in counts { (total(name, count)) }
                @if let Some(words) = attachments(facts) { tr { th scope="row" { "attachments" } td class="number" { (words) } } }
                tr { th scope="row" { "as served" } td class="number" { (bytes(coverage.bytes)) } }
            } }
        }
    }
}

fn total(name: &str, count: u64) -> Markup {
    html! { tr { th scope="row" { (name) } td class="number" { (count) } } }
}
