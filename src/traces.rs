//! Traces of requests, for operators who collect them (OpenTelemetry): a span for each request, and the trace handed on
//! to the homeserver (W3C Trace Context). Without a collector there are none, and nothing is done for them.

use std::{collections::HashMap, fmt, future::Future, sync::OnceLock};

use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue,
    context::FutureExt as _,
    propagation::TextMapPropagator as _,
    trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, ResponseExt as _};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;

/// The headers of W3C Trace Context.
const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// The traces of this process; dropped, the last ones are sent.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends the last ones. It waits for the collector, so not in a thread that others wait for.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Starts to collect traces. `endpoint`: where they are sent, by OTLP over HTTP; `share`: how many of all requests are
/// traced, from 0 to 1.
///
/// # Errors
/// If the endpoint is no URL.
pub fn start(
    client: reqwest::Client,
    endpoint: &str,
    share: f64,
) -> Result<Traces, ExporterBuildError> {
    let runtime = Handle::current();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector { client, runtime })
        .with_endpoint(endpoint)
        .build()?;
    let resource = Resource::builder()
        .with_service_name("medialink")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::TraceIdRatioBased(share))
        .with_resource(resource)
        .build();
    drop(TRACER.set(provider.tracer("medialink")));
    Ok(Traces(provider))
}

/// The way to the collector. Traces are sent by a thread of their own, and the client works in a runtime.
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector(…)")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut told = Response::new(answer.bytes().await?);
            *told.status_mut() = status;
            *told.headers_mut() = headers;
            Ok::<_, reqwest::Error>(told)
        });
        Ok(sent.await??.error_for_status()?)
    }
}

/// The span of a request. It ends when it is told so, or dropped.
pub struct RequestSpan(Context);

impl fmt::Debug for RequestSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestSpan(…)")
    }
}

/// Begins the span of a request, if there are traces. `header`: a header of the request, by its name.
pub fn begin<'a>(method: &str, header: impl Fn(&str) -> Option<&'a str>) -> Option<RequestSpan> {
    let tracer = TRACER.get()?;
    let told = HEADERS.iter().filter_map(|name| {
        let value = header(name)?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let told: HashMap<String, String> = told.collect();
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &told);
    let builder = tracer
        .span_builder(method.to_owned())
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", method.to_owned())]);
    let span = tracer.build_with_context(builder, &parent);
    Some(RequestSpan(parent.with_span(span)))
}

impl RequestSpan {
    /// Does work as a part of the request.
    pub fn during<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.with_context(self.0.clone())
    }

    /// The request has been answered, in whole or in part.
    pub fn end(&self, method: &str, route: &str, status: u16, bytes: u64) {
        let span = self.0.span();
        span.update_name(format!("{method} {route}"));
        span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        ));
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        span.set_attribute(KeyValue::new("http.response.body.size", bytes));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// Work for the request that the present work is part of, done elsewhere.
pub fn going_on<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    work.with_current_context()
}

/// The header that hands the trace of the present work on; `None`: there is none.
#[must_use]
pub fn traceparent() -> Option<String> {
    TRACER.get()?;
    let context = Context::current();
    context.has_active_span().then(|| {
        let mut told = HashMap::new();
        TraceContextPropagator::new().inject_context(&context, &mut told);
        told.remove(HEADERS[0])
    })?
}
