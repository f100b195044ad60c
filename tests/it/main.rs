//! The program's face: the real binary against a local Chat service, as a user meets it.

mod again;
mod answers;
mod bad_input;
mod bucket_export;
mod buckets;
mod calls;
mod clouds;
mod columns_page;
mod compact;
mod concurrent;
mod crash;
mod ddl;
mod dead_letters;
mod deploy;
mod doubt;
mod emulate;
mod end_to_end;
mod export;
mod formats;
mod gate;
mod hours;
mod index_behind;
mod init;
mod interop;
#[cfg(feature = "failpoints")]
mod killed;
mod last_request;
mod load;
mod logging;
mod media;
mod messages;
mod metrics;
mod ping;
mod plan;
mod portable;
mod promote;
mod proof;
mod python_pages;
mod readme;
mod replay;
mod restore;
mod round_trip;
mod samples;
mod scene;
mod schema;
mod search;
mod search_agreement;
mod search_quality;
mod secrets;
mod sent;
mod shell;
#[cfg(feature = "sql")]
mod sql;
#[cfg(feature = "sql")]
mod sql_bucket;
#[cfg(feature = "sql")]
mod sql_export;
#[cfg(all(feature = "sql", unix))]
mod sql_prompt;
mod status;
mod table;
#[cfg(feature = "otel")]
mod tracing;
mod undecoded;
mod uploads;
mod watch;
mod watching;
