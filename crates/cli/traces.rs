//! Traces in OTLP over HTTP, in a build with the feature `otel`, if the environment says where to.
//!
//! The variables are those of OpenTelemetry, which its own library reads: endpoints, headers, time-outs, sampling.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

use crate::environment::Environment;
use crate::output::Output;

/// How the program names itself unless the environment does.
const SERVICE: &str = "annals";
/// What is traced: our own spans. Those of others may show what they send.
const TRACED: &str = "annals";
/// How long the last spans may take at the end. A stopped run ends within ten seconds all the same.
const FAREWELL: Duration = Duration::from_secs(1);

/// Sends spans; dropped, it sends the last ones.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Traces to where the environment says; `None` when it says nothing.
    pub(crate) fn asked_for(environment: &Environment, output: &Output) -> Option<Self> {
        if !environment.is_traced() {
            return None;
        }
        match SpanExporter::builder().with_http().build() {
            Ok(exporter) => {
                let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
                Some(Self(provider.with_resource(resource(environment)).build()))
            }
            Err(error) => {
                output.warn(format_args!("nothing is traced: {error}"));
                None
            }
        }
    }

    /// What takes the spans in.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let ours = Targets::new().with_target(TRACED, Level::INFO);
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer(SERVICE));
        layer.with_location(false).with_threads(false).with_filter(ours).boxed()
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(FAREWELL) {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

fn resource(environment: &Environment) -> Resource {
    let detected = Resource::builder_empty()
        .with_service_name(SERVICE)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match environment.service_name() {
        Some(name) => detected.with_service_name(name.to_owned()).build(),
        None => detected.build(),
    }
}
