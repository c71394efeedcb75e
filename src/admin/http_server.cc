#include "keyshift/admin/http_server.h"

#include <atomic>
#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include <civetweb.h>
#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include "keyshift/admin/metrics.h"

namespace keyshift::admin {
namespace {

int respond(mg_connection* connection, int status, std::string_view type, std::string_view body) {
  const std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                  status, status == 200 ? "OK" : "Service Unavailable", type, body.size());
  mg_write(connection, head.data(), head.size());
  mg_write(connection, body.data(), body.size());
  return status;
}

constexpr auto kKnockEvery = std::chrono::milliseconds(20);
constexpr std::string_view kText = "text/plain; charset=utf-8";

int metrics(mg_connection* connection, void* data) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, collect_metrics(*static_cast<proxy::Proxy*>(data)));
  return respond(connection, 200, "text/plain; version=0.0.4; charset=utf-8", text.str());
}

int healthz(mg_connection* connection, void*) {
  return respond(connection, 200, kText, "ok\n");
}

int readyz(mg_connection* connection, void* data) {
  const auto health = static_cast<proxy::Proxy*>(data)->facts().health();
  return health.ready ? respond(connection, 200, kText, "ready\n")
                      : respond(connection, 503, kText, fmt::format("not ready: {}\n", health.reason));
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Address& address, proxy::Proxy& proxy) {
  // CivetWeb wants a number, or a number and a port: "127.0.0.1:9380", "[::1]:9380", "9380".
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const std::string port =
      host.empty() ? std::to_string(address.port) : Address{host, address.port, {}}.text();
  const char* options[] = {
      "listening_ports",    port.c_str(), "num_threads", "2", "enable_directory_listing", "no",
      "request_timeout_ms", "5000",       nullptr};
  mg_callbacks callbacks{};
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };
  mg_init_library(0);
  mg_context* context = mg_start(&callbacks, &proxy, options);
  if (context == nullptr) {
    mg_exit_library();
    return fail(fmt::format("cannot serve HTTP on {}: the address is in use, or not one of this machine",
                            address.text()));
  }
  mg_set_request_handler(context, "/metrics$", metrics, &proxy);
  mg_set_request_handler(context, "/healthz$", healthz, &proxy);
  mg_set_request_handler(context, "/readyz$", readyz, &proxy);
  Address bound = address;
  mg_server_port ports[1];
  if (mg_get_server_ports(context, 1, ports) == 1) bound.port = static_cast<uint16_t>(ports[0].port);
  return std::unique_ptr<HttpServer>(new HttpServer(context, std::move(bound)));
}

// CivetWeb's listening thread looks at its stop flag every two seconds, or when somebody connects: so somebody does.
HttpServer::~HttpServer() {
  std::atomic<bool> stopped = false;
  std::thread knocker([this, &stopped] {
    const std::string host =
        address_.host.empty() || address_.host == "0.0.0.0" ? "127.0.0.1" : address_.host;
    while (!stopped) {
      mg_connection* connection = mg_connect_client(host.c_str(), address_.port, 0, nullptr, 0);
      if (connection != nullptr) mg_close_connection(connection);
      std::this_thread::sleep_for(kKnockEvery);
    }
  });
  mg_stop(context_);
  stopped = true;
  knocker.join();
  mg_exit_library();
}

}  // namespace keyshift::admin
