//! `annals verify --portable`.

use ingest::{Obstacle, Portable};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::CommandError;
use crate::output::visible;

pub(super) fn json_of(portable: &Portable) -> Value {
    let obstacle = |obstacle: &Obstacle| {
        json!({
            "table": obstacle.table,
            "file": obstacle.file,
            "column": Some(&obstacle.column).filter(|column| !column.is_empty()),
            "what": obstacle.what,
            "mend": obstacle.mend,
        })
    };
    json!({ "files": portable.files, "obstacles": portable.obstacles.iter().map(obstacle).collect::<Vec<_>>() })
}

pub(super) fn print(portable: &Portable, context: &Context) -> Result<(), CommandError> {
    for obstacle in &portable.obstacles {
        context.output.line(visible(&obstacle.to_string()))?;
    }
    let verdict = match portable.obstacles.len() {
        0 => "every warehouse loads them".to_owned(),
        many => format!("{many} obstacles"),
    };
    context.output.line(format_args!("{} files looked through: {verdict}", portable.files))?;
    Ok(())
}
