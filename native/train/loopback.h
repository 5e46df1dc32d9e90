#pragma once
#ifdef LVM_TORCH_GLOO
#include "../error.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace lvm {

constexpr auto this_machine = "127.0.0.1";

// A socket that only processes of this machine reach, since anyone who reaches the store can write into it; c10d's own listens on
// every interface. Returns it with its port.
inline std::pair<int, uint16_t> loopback(int port) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(uint16_t(port));
  inet_pton(AF_INET, this_machine, &place.sin_addr);
  socklen_t length = sizeof place;
  const auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // a restart comes soon after the last attempt
  auto* address = reinterpret_cast<sockaddr*>(&place);
  if (fd < 0 || bind(fd, address, length) != 0 || getsockname(fd, address, &length) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) close(fd);
    throw Error("RANK_LOST", "train: the store of the ranks cannot use port " + std::to_string(port) + ": " + why);
  }
  return {fd, ntohs(place.sin_port)};
}

}  // namespace lvm

#endif
