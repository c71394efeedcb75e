// collect_metrics: what all workers have counted, as Prometheus metric families.
//
// Called at every scrape, on the HTTP server's thread: the workers are not stopped, their counters are read as they
// are. Names, labels and help texts stand in one table (metrics.cc); labels come from the configuration and the command
// table, never from keys or clients.
//
//   keyshift_hits_total{domain="analytics"} 41
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "keyshift/proxy/proxy.h"

namespace keyshift::admin {

std::vector<prometheus::MetricFamily> collect_metrics(const proxy::Proxy& proxy);

}  // namespace keyshift::admin
