//! `quell demo`: what does the cockpit start from when there is no platform at hand?
//!
//! Prepares the simulated platform and the settings that read it. `main` hands both to the cockpit;
//! nothing is drawn here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::World;
use super::args::{DemoArgs, Global};
use super::output::Answer;
use crate::config::delivery::{
    DeclaredPlace, DeliveryAccess, DeliverySettings, DeliverySourceSettings, KubernetesLogin,
    KubernetesSettings,
};
use crate::config::overrides::Values;
use crate::config::settings::{Accent, Environment, Settings};
use crate::config::{self, Overrides};
use crate::domain::policy::Policy;
use crate::domain::service::Service;
use crate::domain::text::Untrusted;
use crate::sim::{Faults, Options, Sim, slo_files};

/// The story is told in minutes and nobody else asks these servers: they are asked more often.
const PERIOD: Duration = Duration::from_secs(3);

/// Where an empty config is read: the user's own may name real servers, or be broken.
const NO_CONFIG: &str = "/dev/null";

/// A platform that answers as long as it is polled, and how to read it.
pub struct Demo {
    /// Its replicas and its Prometheus as sources.
    pub settings: Settings,
    /// Ends only when it fails.
    pub platform: Pin<Box<dyn Future<Output = io::Result<()>> + Send>>,
}

/// Where the demo's changes and drift are read, and what its services need of each other.
fn delivery(kubernetes: Url) -> DeliverySettings {
    let service = |name: &str, needs: &[&str]| Service {
        name: Untrusted::line(name),
        depends_on: needs.iter().map(|name| Untrusted::line(name)).collect(),
        declared_in: Untrusted::line("the demo"),
        ..Service::default()
    };
    let ingress = Service {
        is_platform: true,
        ..service("ingress", &[])
    };
    let cluster = KubernetesSettings {
        login: KubernetesLogin::Nobody(kubernetes),
        namespaces: Vec::new(),
        kinds: Vec::new(),
        timeout: Duration::from_secs(10),
        page_size: 500,
    };
    DeliverySettings {
        sources: vec![DeliverySourceSettings {
            name: "eu-1".into(),
            place: DeclaredPlace {
                env: Some("prod".to_owned()),
                cluster: Some("eu-1".to_owned()),
                ..DeclaredPlace::default()
            },
            period: Duration::from_secs(1),
            access: DeliveryAccess::Kubernetes(cluster),
        }],
        services: vec![
            service("checkout-api", &["payments", "cart"]),
            service("storefront", &["checkout-api", "catalog", "search"]),
            service("cart", &["catalog"]),
            ingress,
        ],
        ..DeliverySettings::default()
    }
}

/// Cautious, but for what takes a second person elsewhere: in the demo there is none.
fn policy() -> Policy {
    let mut policy = Policy::cautious();
    policy.name = Untrusted::line("demo");
    for rule in &mut policy.rules {
        rule.require.approvals = 0;
    }
    policy
}

/// Takes ports for the platform and makes the settings. Looks and runbooks are taken from flags and
/// variables; everything about real sources is left aside.
///
/// # Errors
/// No port could be taken, or a flag does not hold.
pub async fn prepare(args: DemoArgs, global: &Global, world: &World) -> Result<Demo, Answer> {
    let sim = Sim::bind(Options {
        seed: args.seed,
        started: (world.clock)(),
        clock: Arc::new(world.clock),
        faults: Faults::default(),
    })
    .await
    .map_err(|error| Answer::usage(format!("quell: the simulated platform: {error}")))?;

    let given = global.overrides(world.variables);
    let looks = |values: Values| Values {
        runbooks: values.runbooks,
        theme: values.theme,
        no_color: values.no_color,
        ascii: values.ascii,
        log_level: values.log_level,
        ..Values::default()
    };
    let overrides = Overrides {
        flags: Values {
            config: Some(NO_CONFIG.into()),
            alertmanagers: sim.alertmanagers().map(String::from).into(),
            prometheuses: vec![sim.prometheus().into()],
            burn_policy: given.flags.burn_policy.clone(),
            ..looks(given.flags.clone())
        },
        variables: looks(given.variables),
        user: given.user,
    };
    let loaded = config::load(&overrides, &world.paths, world.built_in_themes);
    let mut settings = loaded
        .map_err(|errors| Answer::usage(errors.to_string()))?
        .settings;
    settings.slo.texts = slo_files();
    settings.delivery = delivery(sim.kubernetes());
    settings.actions.policy = Some(policy());
    for replica in &mut settings.alertmanagers {
        replica.period = PERIOD;
    }
    for prometheus in &mut settings.prometheuses {
        prometheus.period = PERIOD;
    }
    settings.environment = Some(Environment {
        name: "demo".to_owned(),
        accent: Accent::Green,
    });
    Ok(Demo {
        settings,
        platform: Box::pin(sim.serve()),
    })
}
