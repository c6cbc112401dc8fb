//! Every route of the internal listener and of that for metrics, in tables.

use actix_web::{
    Handler, HttpResponse, Resource, Responder, ResponseError,
    http::{Method, StatusCode},
    web::{self, ServiceConfig},
};

use super::{
    appservice,
    bridge_api::{events, issue, list, paste, revoke},
    console, docs,
    error::ApiError,
    health,
    listener::Listener,
    openapi::openapi,
    public,
};

/// Collects routes: to register them, and to list them.
#[derive(Default)]
struct Routes {
    resources: Vec<Resource>,
    table: Vec<(Method, String)>,
}

/// The routes of one path.
struct Path<'a> {
    resource: Resource,
    path: String,
    table: &'a mut Vec<(Method, String)>,
}

impl Path<'_> {
    fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self.resource.route(web::method(method.clone()).to(handler));
        self.table.push((method, self.path.clone()));
        self
    }
}

impl Routes {
    fn at(&mut self, path: &str, routes: impl FnOnce(Path<'_>) -> Path<'_>) {
        let built = routes(Path {
            resource: web::resource(path.to_owned()),
            path: path.to_owned(),
            table: &mut self.table,
        });
        let Path { resource, .. } = built;
        self.resources.push(resource);
    }
}

fn internal() -> Routes {
    let mut routes = Routes::default();
    routes.at("/v1/links", |path| {
        path.on(Method::POST, issue::issue)
            .on(Method::GET, list::list)
    });
    routes.at("/v1/links/batch", |path| {
        path.on(Method::POST, issue::issue_batch)
    });
    routes.at("/v1/links/{link_id}", |path| {
        path.on(Method::GET, list::get)
            .on(Method::DELETE, revoke::revoke_one)
    });
    routes.at("/v1/events", |path| {
        path.on(Method::POST, events::link_event)
    });
    routes.at("/v1/revocations", |path| {
        path.on(Method::POST, revoke::revoke)
    });
    routes.at("/v1/pastes", |path| path.on(Method::POST, paste::paste));
    routes.at("/_matrix/app/v1/transactions/{txn_id}", |path| {
        path.on(Method::PUT, appservice::transaction)
    });
    routes.at("/_matrix/app/v1/users/{user_id}", |path| {
        path.on(Method::GET, appservice::user)
    });
    routes.at("/_matrix/app/v1/rooms/{room_alias}", |path| {
        path.on(Method::GET, appservice::room)
    });
    routes.at("/_matrix/app/v1/ping", |path| {
        path.on(Method::POST, appservice::ping)
    });
    watching(&mut routes);
    routes.at("/openapi.json", |path| {
        path.on(Method::GET, docs::openapi_json)
    });
    routes.at("/docs", |path| path.on(Method::GET, docs::docs));
    routes
}

/// The routes for whoever watches the service.
fn watching(routes: &mut Routes) {
    routes.at("/health", |path| path.on(Method::GET, health::health));
    routes.at("/ready", |path| path.on(Method::GET, health::ready));
    routes.at("/metrics", |path| path.on(Method::GET, health::metrics));
}

fn metrics() -> Routes {
    let mut routes = Routes::default();
    watching(&mut routes);
    routes
}

/// The methods and paths of a listener.
#[must_use]
pub fn routes_of(listener: Listener) -> Vec<(Method, String)> {
    match listener {
        Listener::Internal => internal().table,
        Listener::Metrics => metrics().table,
        Listener::Public => public::table(),
    }
}

/// Registers the routes of the listener for metrics.
pub fn configure_metrics(config: &mut ServiceConfig) {
    for resource in metrics().resources {
        config.service(resource.default_service(web::to(no_such_method)));
    }
    config.default_service(web::to(no_such_endpoint));
}

async fn no_such_method() -> HttpResponse {
    ApiError::unrecognized(StatusCode::METHOD_NOT_ALLOWED).error_response()
}

async fn no_such_endpoint() -> HttpResponse {
    ApiError::unrecognized(StatusCode::NOT_FOUND).error_response()
}

/// Registers the routes of the internal listener.
pub fn configure_internal(config: &mut ServiceConfig) {
    config.app_data(web::Data::new(openapi()));
    for resource in internal().resources {
        config.service(resource.default_service(web::to(appservice::other)));
    }
    console::configure(config);
    // Homeservers that are older than the prefix (Application Service API, "Legacy routes").
    config.route(
        "/transactions/{txn_id}",
        web::put().to(appservice::transaction),
    );
    config.route("/users/{user_id}", web::get().to(appservice::user));
    config.route("/rooms/{room_alias}", web::get().to(appservice::room));
    config.default_service(web::to(appservice::other));
}
