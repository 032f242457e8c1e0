//! Which operations does an `OpenAPI` 3 document describe, of those that are allowed by name?
//!
//! What the document says beyond what is understood here is an error that names the place, for the allowed
//! operations alone: half an operation would be worse than none. Its `servers` are not read: the endpoint of
//! the config is the only one.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::expand;
use crate::config::actions::HttpOperation;
use crate::config::yaml;
use crate::domain::action::{Direction, Need, Parameter, ParameterKind, Risk};
use crate::domain::duration;
use crate::domain::nearest::nearest;
use crate::domain::text::shown;

const MAX_BYTES: u64 = 8 * 1024 * 1024;
const METHODS: [&str; 4] = ["post", "put", "patch", "delete"];
/// A reference that leads to another, and so on.
const MAX_REFERENCES: usize = 8;
const WITHIN: Duration = Duration::from_mins(2);

/// The allowed operations, and what is wrong with the others.
pub(super) fn read(file: &Path, allow: &[String]) -> (Vec<HttpOperation>, Vec<String>) {
    match document(file) {
        Ok(document) => of(&document, allow),
        Err(why) => (Vec::new(), vec![format!("{}: {why}", file.display())]),
    }
}

fn document(file: &Path) -> Result<Value, String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|e| e.kind().to_string())?;
    let read = opened.take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|e| e.kind().to_string())?;
    if text.len() as u64 > MAX_BYTES {
        return Err("it is larger than 8 MiB".to_owned());
    }
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text).map_err(|e| e.to_string());
    }
    serde_saphyr::from_str_with_options(&text, yaml::options()).map_err(|e| yaml::explain(&e))
}

/// The allowed operations of a document.
pub(super) fn of(document: &Value, allow: &[String]) -> (Vec<HttpOperation>, Vec<String>) {
    let version = document["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.") {
        let version = shown(version);
        return (
            Vec::new(),
            vec![format!("`openapi` is `{version}`: only 3 is read")],
        );
    }
    let (mut read, mut problems, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(id) = item[method]["operationId"].as_str() else {
                continue;
            };
            seen.push(id);
            if !allow.iter().any(|allowed| allowed == id) {
                continue;
            }
            let described = Described {
                document,
                item,
                operation: &item[method],
                place: format!("paths.{path}.{method}"),
            };
            match described.operation(id, method, path) {
                Ok(operation) => read.push(operation),
                Err(why) => problems.push(format!("`{}`: {why}", shown(id))),
            }
        }
    }
    for wanted in allow.iter().filter(|one| !seen.contains(&one.as_str())) {
        let hint = nearest(wanted, seen.iter().copied());
        let hint = hint.map(|near| format!(": did you mean `{}`?", shown(near)));
        let (wanted, hint) = (shown(wanted), hint.unwrap_or_default());
        problems.push(format!(
            "no operation `{wanted}` changes anything there{hint}"
        ));
    }
    (read, problems)
}

struct Described<'a> {
    document: &'a Value,
    item: &'a Value,
    operation: &'a Value,
    place: String,
}

type Pairs = Vec<(String, String)>;

/// What the headers and the path, query and body ask for.
#[derive(Default)]
struct Taken {
    parameters: Vec<Parameter>,
    precondition: Option<String>,
    idempotency: Option<String>,
}

impl Described<'_> {
    fn operation(&self, id: &str, method: &str, path: &str) -> Result<HttpOperation, String> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if id.is_empty() || !id.bytes().all(is_name) {
            return Err(self.wrong(
                "operationId",
                "it has more than letters, digits, `.`, `_`, `-`",
            ));
        }
        let mut taken = Taken::default();
        self.take_parameters(method, &mut taken)?;
        self.take_body(method, &mut taken)?;
        for name in expand::names(path) {
            if !taken.parameters.iter().any(|one| one.name == name) {
                let why = format!("no parameter describes `{{{}}}`", shown(&name));
                return Err(self.wrong("parameters", &why));
            }
        }
        let verify = &self.operation["x-quell-verify"];
        let text = |name: &str| Some(self.operation[name].as_str()?.to_owned());
        let help = text("summary").or_else(|| text("description"));
        let help = help.unwrap_or_default();
        Ok(HttpOperation {
            name: id.to_owned(),
            help: help.lines().next().unwrap_or_default().to_owned(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            parameters: taken.parameters,
            dry_run: self.dry_run()?,
            precondition_header: taken.precondition,
            idempotency_header: taken.idempotency,
            read: verify["read"].as_str().map(str::to_owned),
            verify: self.pairs("x-quell-verify", verify, "expect")?,
            within: self.within(verify)?,
            reverse: self.reverse()?,
            risk: self.risk()?,
            direction: self.direction()?,
        })
    }

    fn wrong(&self, part: &str, why: &str) -> String {
        format!("{}.{part}: {why}", shown(&self.place))
    }

    /// Follows references within the document.
    fn resolved<'a>(&'a self, part: &str, mut value: &'a Value) -> Result<&'a Value, String> {
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = value.get("$ref") else {
                return Ok(value);
            };
            let place = reference.as_str().and_then(|text| text.strip_prefix('#'));
            let target = place.and_then(|place| self.document.pointer(place));
            value = target.ok_or_else(|| {
                let reference = shown(&reference.to_string());
                self.wrong(part, &format!("{reference} is not within the document"))
            })?;
        }
        Err(self.wrong(part, "its references go round in circles"))
    }

    fn take_parameters(&self, method: &str, taken: &mut Taken) -> Result<(), String> {
        let lists = [&self.item["parameters"], &self.operation["parameters"]];
        let all = lists.iter().filter_map(|list| list.as_array()).flatten();
        for parameter in all {
            let parameter = self.resolved("parameters", parameter)?;
            let name = parameter["name"].as_str().unwrap_or_default();
            let part = format!("parameters.{name}");
            let is_required = parameter["required"] == true;
            match parameter["in"].as_str().unwrap_or_default() {
                "path" => self.take(&part, name, &parameter["schema"], true, parameter, taken)?,
                "query" if method == "delete" => {
                    self.take(
                        &part,
                        name,
                        &parameter["schema"],
                        is_required,
                        parameter,
                        taken,
                    )?;
                }
                "header" if name.eq_ignore_ascii_case("if-match") => {
                    taken.precondition = Some(name.to_owned());
                }
                "header" if name.eq_ignore_ascii_case("idempotency-key") => {
                    taken.idempotency = Some(name.to_owned());
                }
                place if is_required => {
                    let why = format!(
                        "a required parameter in the {} cannot be sent",
                        shown(place)
                    );
                    return Err(self.wrong(&part, &why));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn take_body(&self, method: &str, taken: &mut Taken) -> Result<(), String> {
        let body = &self.operation["requestBody"];
        if body.is_null() {
            return Ok(());
        }
        let part = "requestBody";
        let body = self.resolved(part, body)?;
        if method == "delete" {
            return Err(self.wrong(part, "a DELETE with a body cannot be sent"));
        }
        let Some(content) = body["content"].get("application/json") else {
            return Err(self.wrong(part, "only `application/json` can be sent"));
        };
        let schema = self.resolved(part, &content["schema"])?;
        let mixed = ["oneOf", "anyOf", "allOf", "not"];
        if let Some(word) = mixed.iter().find(|word| schema.get(**word).is_some()) {
            return Err(self.wrong(part, &format!("`{word}` cannot be read as parameters")));
        }
        if schema["type"] != "object" {
            return Err(self.wrong(part, "it is no object with properties"));
        }
        let required = schema["required"].as_array();
        let required = required.map_or(&[][..], Vec::as_slice);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let part = format!("requestBody.{name}");
            let property = self.resolved(&part, property)?;
            let is_required = required.iter().any(|one| one == name);
            if taken.parameters.iter().any(|one| one.name == **name) {
                return Err(self.wrong(&part, "a parameter of the path has the same name"));
            }
            self.take(&part, name, property, is_required, property, taken)?;
        }
        Ok(())
    }

    /// Takes one parameter. One that is optional and not understood is left out.
    fn take(
        &self,
        part: &str,
        name: &str,
        schema: &Value,
        is_required: bool,
        described: &Value,
        taken: &mut Taken,
    ) -> Result<(), String> {
        let schema = self.resolved(part, schema)?;
        let kind = match kind(schema) {
            Ok(kind) => kind,
            Err(_) if !is_required => return Ok(()),
            Err(why) => return Err(self.wrong(part, &why)),
        };
        // What the operation says replaces what its path says.
        taken.parameters.retain(|one| one.name != name);
        taken.parameters.push(Parameter {
            name: Cow::Owned(name.to_owned()),
            kind,
            need: if is_required {
                Need::Required
            } else {
                Need::Optional
            },
            help: Cow::Owned(
                described["description"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            ),
        });
        Ok(())
    }

    fn dry_run(&self) -> Result<Option<String>, String> {
        match &self.operation["x-quell-dryrun"] {
            Value::Null => Ok(None),
            Value::String(query) if query.contains('=') && !query.contains(['#', '?', ' ']) => {
                Ok(Some(query.clone()))
            }
            _ => Err(self.wrong("x-quell-dryrun", "it is no query such as `dryRun=true`")),
        }
    }

    fn within(&self, verify: &Value) -> Result<Duration, String> {
        match &verify["within"] {
            Value::Null => Ok(WITHIN),
            Value::String(text) => {
                duration::parse(text).map_err(|why| self.wrong("x-quell-verify.within", &why))
            }
            _ => Err(self.wrong("x-quell-verify.within", "it is no time such as `2m`")),
        }
    }

    fn reverse(&self) -> Result<Option<(String, Pairs)>, String> {
        let reverse = &self.operation["x-quell-reverse"];
        if reverse.is_null() {
            return Ok(None);
        }
        let Some(operation) = reverse["operation"].as_str() else {
            return Err(self.wrong("x-quell-reverse", "it names no `operation`"));
        };
        let pairs = self.pairs("x-quell-reverse", reverse, "parameters")?;
        Ok(Some((operation.to_owned(), pairs)))
    }

    fn pairs(&self, part: &str, of: &Value, name: &str) -> Result<Pairs, String> {
        let pairs = of[name].as_object().into_iter().flatten();
        let pairs = pairs.map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((key.clone(), value.to_string())),
            _ => Err(self.wrong(&format!("{part}.{name}.{key}"), "it is no plain value")),
        });
        pairs.collect()
    }

    fn risk(&self) -> Result<Risk, String> {
        match self.operation["x-quell-risk"].as_str() {
            None if self.operation["x-quell-risk"].is_null() => Ok(Risk::R3),
            Some(word) if Risk::ALL.iter().any(|risk| risk.word() == word) => {
                let mut all = Risk::ALL.into_iter();
                Ok(all.find(|risk| risk.word() == word).unwrap_or(Risk::R3))
            }
            _ => Err(self.wrong("x-quell-risk", "it is none of R0, R1, R2, R3")),
        }
    }

    fn direction(&self) -> Result<Direction, String> {
        match &self.operation["x-quell-direction"] {
            Value::Null => Ok(Direction::Adds),
            Value::String(word) if word == "reduces" => Ok(Direction::Reduces),
            Value::String(word) if word == "adds" => Ok(Direction::Adds),
            Value::String(word) if word == "neutral" => Ok(Direction::Neutral),
            _ => Err(self.wrong("x-quell-direction", "it is none of reduces, adds, neutral")),
        }
    }
}

fn kind(schema: &Value) -> Result<ParameterKind, String> {
    let types = match &schema["type"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    let mut types = types.into_iter().filter(|one| *one != "null");
    let first = types.next().unwrap_or("nothing");
    if let Some(second) = types.next() {
        return Err(format!("it may be {first} or {second}"));
    }
    if let Some(values) = schema["enum"].as_array().filter(|_| first == "string") {
        let values = values.iter().filter_map(Value::as_str);
        return Ok(ParameterKind::Choice(values.map(str::to_owned).collect()));
    }
    match first {
        "string" => Ok(ParameterKind::Text),
        "boolean" => Ok(ParameterKind::Flag),
        "integer" => Ok(ParameterKind::Integer {
            min: schema["minimum"].as_i64().unwrap_or(i64::MIN),
            max: schema["maximum"].as_i64().unwrap_or(i64::MAX),
        }),
        other => Err(format!("a value of type {} cannot be given", shown(other))),
    }
}
