//! `tutorial://guide` and `tutorial://tools/{name}`: what this server adds, and how to call its tools.

use std::fmt::Write;

use crate::{
    mcp::{
        resources::{Resource, Template},
        tools::{Definition, Tools},
    },
    program::ProgramInfo,
};

/// `tutorial://guide`: what this step adds, and what to try.
pub fn guide(program: &ProgramInfo) -> Resource {
    let text = program.to_markdown();
    let names = ["guide", "Guide", "What this step adds, and what to try"];
    Resource::new("tutorial://guide", "text/markdown", names, move |_| text.clone())
}

/// `tutorial://tools/{name}`: how to call a tool, for callers who may use it.
pub fn tool_guide(tools: &Tools) -> Template {
    let names = ["tool", "Guide to a tool", "What a tool does, and its arguments"];
    let (listed, found) = (tools.clone(), tools.clone());
    Template::new(
        ["tutorial://tools/", "name"],
        "text/markdown",
        names,
        move |caller| listed.definitions_for(caller).map(|tool| tool.name.to_owned()).collect(),
        move |name, caller| {
            let mut tools = found.definitions_for(caller);
            tools.find(|tool| tool.name == name).map(to_markdown)
        },
    )
}

fn to_markdown(tool: &Definition) -> String {
    let mut text = format!("# {}\n\n{}.\n", tool.name, tool.description);
    let arguments = tool.input_schema.get("properties").and_then(|schema| schema.as_object());
    for (name, schema) in arguments.into_iter().flatten() {
        let description = schema.get("description").and_then(|text| text.as_str());
        let _ = write!(text, "\n- `{name}`: {}", description.unwrap_or("no description"));
    }
    text
}
