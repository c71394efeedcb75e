// HttpServer: the operator's HTTP, next to the clients' port.
//
//   GET /metrics   Prometheus text format 0.0.4
//   GET /healthz   200 "ok": the process runs
//   GET /readyz    200 "ready", or 503 and why: the upstream is reachable and takes writes
//
// CivetWeb's threads serve it, so a slow scrape never delays a client.
#pragma once

#include <memory>

#include "keyshift/base/address.h"
#include "keyshift/base/result.h"
#include "keyshift/proxy/proxy.h"

struct mg_context;

namespace keyshift::admin {

class HttpServer {
 public:
  // Listens on `address` (port 0: any free one). Fails with the address and the reason. `proxy` outlives the server.
  static Result<std::unique_ptr<HttpServer>> start(const Address& address, proxy::Proxy& proxy);
  // Stops listening and waits for requests under way.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // With the port that was really bound.
  const Address& address() const { return address_; }

 private:
  HttpServer(mg_context* context, Address address) : context_(context), address_(std::move(address)) {}

  mg_context* context_;
  Address address_;
};

}  // namespace keyshift::admin
