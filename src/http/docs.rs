//! Serves the API's description, for programs and for people.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::pages::{self, ApiDocsPage, Operation, Parameter, Response};

/// How deep the samples of bodies are nested at most: schemas may refer to themselves.
const DEEPEST_SAMPLE: usize = 8;

/// The OpenAPI description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI", body = Object))
)]
pub(super) async fn openapi_json(description: Data<OpenApi>) -> HttpResponse {
    HttpResponse::Ok().json(description.get_ref())
}

/// The description as a page.
#[utoipa::path(
    get, path = "/docs", tag = "operations",
    responses((status = 200, description = "A page", body = String, content_type = "text/html"))
)]
pub(super) async fn docs(description: Data<OpenApi>) -> HttpResponse {
    let description = serde_json::to_value(description.get_ref()).unwrap_or_default();
    HttpResponse::Ok()
        .content_type(pages::CONTENT_TYPE)
        .insert_header((header::CONTENT_SECURITY_POLICY, pages::docs_csp()))
        .body(page(&description).render())
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn page(description: &Value) -> ApiDocsPage {
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(operation, "/summary"),
                description: text(operation, "/description"),
                parameters: operation["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(parameter)
                    .collect(),
                request_body: body(operation)
                    .map(|schema| resolved(description, schema))
                    .and_then(|schema| serde_json::to_string_pretty(schema).ok()),
                sample_body: body(operation)
                    .map(|schema| sample(description, schema, 0).unwrap_or_else(|| json!({})))
                    .and_then(|sample| serde_json::to_string_pretty(&sample).ok()),
                responses: operation["responses"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(status, response)| Response {
                        status: status.clone(),
                        description: text(response, "/description"),
                    })
                    .collect(),
            });
        }
    }
    ApiDocsPage {
        title: text(description, "/info/title"),
        version: text(description, "/info/version"),
        description: text(description, "/info/description"),
        operations,
    }
}

/// The schema of an operation's body.
fn body(operation: &Value) -> Option<&Value> {
    operation.pointer("/requestBody/content/application~1json/schema")
}

/// A value that fits a schema, of the examples in it. `None`: it has none.
fn sample(description: &Value, schema: &Value, depth: usize) -> Option<Value> {
    let schema = resolved(description, schema);
    if let Some(example) = schema.get("example") {
        return Some(example.clone());
    }
    if depth >= DEEPEST_SAMPLE {
        return None;
    }
    if let Some(items) = schema.get("items") {
        return Some(Value::Array(vec![sample(description, items, depth + 1)?]));
    }
    let properties = schema["properties"].as_object()?.iter();
    let fields: Map<String, Value> = properties
        .filter_map(|(name, schema)| Some((name.clone(), sample(description, schema, depth + 1)?)))
        .collect();
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// A schema, or the one that it refers to.
fn resolved<'d>(description: &'d Value, schema: &'d Value) -> &'d Value {
    let reference = schema["$ref"].as_str();
    reference
        .and_then(|reference| description.pointer(reference.strip_prefix('#')?))
        .unwrap_or(schema)
}

fn parameter(value: &Value) -> Parameter {
    let kind = &value["schema"]["type"];
    let type_text = match kind {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        kind => kind.as_str().unwrap_or_default().to_owned(),
    };
    Parameter {
        name: text(value, "/name"),
        location: text(value, "/in"),
        required: value["required"].as_bool().unwrap_or(false),
        type_text,
        description: text(value, "/description"),
    }
}
