//! The columns of the tables, as their logs have them.

use deltalake::kernel::{DataType, PrimitiveType, StructField};

use crate::error::Error;
use crate::open::Archive;
use crate::table::Table;

/// A column of a table of this archive. Whoever reads the tables sees these, whatever this program would make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// The table.
    pub table: &'static str,
    /// Its name.
    pub name: String,
    /// Its type in the words of SQL, as `archive::Column` has it; that of a type of others in Delta's words.
    pub type_word: String,
    /// Whether it may be null.
    pub nullable: bool,
}

impl Archive {
    /// The columns of `messages`, `dead_letters`, `hours` and, if there is such a table, `attachments`, in their order.
    ///
    /// # Errors
    ///
    /// When the log of a table cannot be read.
    pub async fn columns(&self) -> Result<Vec<TableColumn>, Error> {
        let mut columns = Vec::new();
        for table in self.all_tables().await? {
            columns.extend(of_table(table).await?);
        }
        Ok(columns)
    }
}

async fn of_table(table: &Table) -> Result<Vec<TableColumn>, Error> {
    let schema = table.schema().await?;
    let column = |field: &StructField| TableColumn {
        table: table.name(),
        name: field.name().clone(),
        type_word: type_word(field.data_type()),
        nullable: field.is_nullable(),
    };
    Ok(schema.fields().map(column).collect())
}

fn type_word(data_type: &DataType) -> String {
    match data_type {
        DataType::Primitive(PrimitiveType::Integer) => "int".to_owned(),
        DataType::Primitive(PrimitiveType::Long) => "bigint".to_owned(),
        other => other.to_string(),
    }
}
