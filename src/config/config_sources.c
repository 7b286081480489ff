#include "ssoferry/config.h"

struct source_routes config_source_routes(const struct config *config, struct text source)
{
    struct source_routes routes = {.all_fold_case = true, .in_segment = true, .by_issuer = true};
    for (size_t i = 0; i < config->gateway.route_count; ++i) {
        const struct route *route = &config->gateway.routes[i];
        if (!text_equal(route->source, source))
            continue;
        const bool observes = config->gateway.observe || route->observe;
        ++routes.count;
        routes.observing += observes;
        routes.legacy_url = routes.legacy_url || route->legacy_url.size > 0;
        routes.no_legacy_url = routes.no_legacy_url || route->legacy_url.size == 0;
        routes.all_fold_case = routes.all_fold_case && route->fold_case;
        routes.legacy_always = routes.legacy_always || observes || route->legacy_relay_state_count > 0;
        routes.rehearsed = (routes.rehearsed || routes.count == 1) && route->legacy_url.size > 0 && observes;
        routes.in_segment = routes.in_segment && template_is_segment(route->template);
        routes.by_issuer = routes.by_issuer && route->identify_by == IDENTIFY_BY_ISSUER;
        if (template_parameter(route->template).size > 0)
            routes.parameter = template_parameter(route->template);
        routes.in_url = routes.in_url || route->identify_by == IDENTIFY_BY_TEMPLATE;
    }
    return routes;
}

bool config_cuts_over(const struct config *config, const struct source_routes *routes)
{
    return config->gateway.observe && routes->count > 0 && !routes->rehearsed;
}
