# Varnish in front of Medialink: docs/in-front/varnish.md tells what it does, and why.
vcl 4.1;

# CHANGE. listen.public of bridge.yaml.
backend medialink {
    .host = "127.0.0.1";
    .port = "8480";
    .first_byte_timeout = 120s;
    .between_bytes_timeout = 60s;
}

# CHANGE. Where Medialink purges from.
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    unset req.http.X-Link;
    if (req.url ~ "^/[mtv]/[A-Za-z0-9_-]+([/?]|$)") {
        # All answers about a link have its token, whatever name stands behind it.
        set req.http.X-Link = regsub(req.url, "^/[mtv]/([A-Za-z0-9_-]+).*$", "\1");
    }
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(403, "Forbidden"));
        }
        if (!req.http.X-Link) {
            return (synth(404, "Not a link"));
        }
        ban("obj.http.X-Link == " + req.http.X-Link);
        return (synth(200, "Purged"));
    }
    # A HEAD would be sent on as a GET, which uses up links with a limited number of follows.
    if (!req.http.X-Link || req.method != "GET") {
        return (pass);
    }
    unset req.http.Cookie;
    return (hash);
}

sub vcl_hash {
    hash_data(regsub(req.url, "^/([mtv])/.*$", "\1") + "/" + req.http.X-Link);
    # Of thumbnails, the sizes tell them apart. Nothing else has a query.
    if (req.url ~ "^/t/") {
        hash_data(regsub(req.url, "^[^?]*", ""));
    }
    return (lookup);
}

sub vcl_backend_response {
    # Bans look for it.
    set beresp.http.X-Link = bereq.http.X-Link;
    # What has become too old is not given any more.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
}

sub vcl_deliver {
    unset resp.http.X-Link;
}
