//! Answers as the console prints them.

use serde_json::{Map, Value};

/// Nothing for what only changes something.
pub(crate) fn printed(data: &Value, format: &str) -> String {
    match data {
        Value::Null => String::new(),
        data if format.starts_with("json") => data.to_string(),
        Value::Array(rows) => table(rows),
        Value::Object(fields) => {
            let row =
                |(key, value): (&String, &Value)| serde_json::json!({"key": key, "value": value});
            table(&fields.iter().map(row).collect::<Vec<_>>())
        }
        other => other.to_string(),
    }
}

fn table(rows: &[Value]) -> String {
    let rows: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let mut columns: Vec<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    columns.sort();
    columns.dedup();
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut lines: Vec<Vec<String>> = vec![columns.iter().map(ToString::to_string).collect()];
    lines.extend(
        rows.iter()
            .map(|row| columns.iter().map(|it| text(row.get(*it))).collect()),
    );
    let width = |at: usize| {
        lines
            .iter()
            .map(|line| line[at].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let rule = |left: &str, fill: &str, middle: &str, right: &str| {
        let parts: Vec<String> = widths.iter().map(|width| fill.repeat(width + 2)).collect();
        format!("{left}{}{right}", parts.join(middle))
    };
    let mut out = vec![rule("┌", "─", "┬", "┐")];
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 => {}
            1 => out.push(rule("╞", "═", "╪", "╡")),
            _ => out.push(rule("├", "─", "┼", "┤")),
        }
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!(" {cell:width$} "))
            .collect();
        out.push(format!("│{}│", cells.join("│")));
    }
    out.push(rule("└", "─", "┴", "┘"));
    out.join("\n")
}
