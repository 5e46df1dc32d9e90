#include "ranks.h"

#ifdef LVM_TORCH_GLOO

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "loopback.h"

#include <c10/util/Logging.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace lvm {
namespace {

using Store = c10::intrusive_ptr<c10d::Store>;

// Gloo's errors are plain exceptions whose text names addresses, not ranks; lib/train/ranks finds the rank.
template <typename Work>
auto reached(Work work) {
  try {
    return work();
  } catch (const c10::Error& e) {
    throw Error("RANK_LOST", e.what_without_backtrace());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error("RANK_LOST", e.what());
  }
}

// Time between two signs of life.
constexpr std::chrono::milliseconds pause(250);

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

struct Ranks::Group {
  explicit Group(const RanksOptions& o) : options(o) {
    setenv("TORCH_CPP_LOG_LEVEL", "FATAL", 0);  // c10d logs a stack trace for each failed attempt to connect
    c10::initLogging();
    c10d::TCPStoreOptions store;
    store.port = uint16_t(o.port);
    store.isServer = o.serve;
    store.numWorkers = size_t(o.size);
    store.waitWorkers = false;
    store.timeout = o.timeout;
    if (o.serve && o.address == this_machine) std::tie(store.masterListenFd, store.port) = loopback(o.port);
    server = c10::make_intrusive<c10d::TCPStore>(o.address, store);
    keys = c10::make_intrusive<c10d::PrefixStore>(o.prefix, server);
    store.port = server->getPort();
    store.isServer = false;
    store.masterListenFd = std::nullopt;
    // A connection of its own, so that a rank which waits still shows that it is alive.
    beats = c10::make_intrusive<c10d::PrefixStore>(o.prefix, c10::make_intrusive<c10d::TCPStore>(o.address, store));
    beating = std::thread([this] { beat(); });
  }
  ~Group() {
    {
      std::lock_guard lock(mutex);
      ending = true;
    }
    wake.notify_one();
    beating.join();
    if (abandoned) gloo.release();
  }

  void beat() {
    const auto key = "beat/" + std::to_string(options.rank);
    std::unique_lock lock(mutex);
    for (int64_t count = 0; !ending; ++count) {
      const auto value = std::to_string(count) + " " + text;
      lock.unlock();
      try {
        beats->set(key, bytes_of(value));
        if (beats->check({"lost"})) broken = true;
      } catch (const std::exception&) {
        broken = true;  // the store is gone
      }
      if (broken) return leave();
      lock.lock();
      wake.wait_for(lock, pause, [this] { return ending; });
    }
  }

  void wait(c10d::Work& work) const {
    while (!work.isCompleted()) {
      try {
        work.wait(pause);
      } catch (const std::exception&) {
        if (!work.isCompleted() && broken) throw Error("RANK_LOST", "another rank has failed");
      }
    }
    work.wait();
  }

  // A wait for one other rank cannot be repeated after a timeout, so that it is ended from outside.
  void wait_for_one(c10::intrusive_ptr<c10d::Work> work) {
    {
      std::lock_guard lock(mutex);
      if (broken) work->abort();
      waiting = work;
    }
    const auto done = work->wait();
    std::lock_guard lock(mutex);
    waiting.reset();
    if (!done) throw Error("RANK_LOST", "another rank has failed");
  }
  void leave() {
    broken = true;
    std::lock_guard lock(mutex);
    if (waiting) waiting->abort();
  }

  const RanksOptions options;
  c10::intrusive_ptr<c10d::TCPStore> server;
  Store keys, beats;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  std::mutex mutex;
  std::condition_variable wake;
  c10::intrusive_ptr<c10d::Work> waiting;
  std::string text;
  bool ending = false, abandoned = false;
  std::atomic<bool> broken = false;  // a rank has failed: those that wait for it only through others are not told by Gloo
  std::thread beating;
};

Ranks::Ranks(const RanksOptions& o) : rank(o.rank), size(o.size), share_memory(o.share_memory) {
  group = reached([&] { return std::make_unique<Group>(o); });
}
Ranks::~Ranks() = default;

int Ranks::port() const { return group->server->getPort(); }

void Ranks::set(const std::string& key, const std::string& value) {
  reached([&] { group->keys->set(key, bytes_of(value)); });
}

std::optional<std::string> Ranks::get(const std::string& key) {
  return reached([&]() -> std::optional<std::string> {
    if (!group->keys->check({key})) return std::nullopt;
    const auto value = group->keys->get(key);
    return std::string(value.begin(), value.end());
  });
}

void Ranks::note(const std::string& text) {
  std::lock_guard lock(group->mutex);
  group->text = text;
}

void Ranks::connect(const std::string& address, const std::string& interface) {
  reached([&] {
    using c10d::ProcessGroupGloo;
    auto options = c10::make_intrusive<ProcessGroupGloo::Options>(group->options.timeout);
    options->devices.push_back(!interface.empty() ? ProcessGroupGloo::createDeviceForInterface(interface)
                               : !address.empty() ? ProcessGroupGloo::createDeviceForHostname(address)
                                                  : ProcessGroupGloo::createDefaultDevice());
    options->threads = 2;
    group->gloo = c10::make_intrusive<ProcessGroupGloo>(group->keys, rank, size, options);
  });
}

void Ranks::abandon() {
  group->abandoned = true;
  group->leave();
}

Sum Ranks::sum(const Tensor& tensor) {
  std::vector<Tensor> tensors{tensor};
  auto work = reached([&] { return group->gloo->allreduce(tensors); });
  const auto wait = [work, group = group.get()] { reached([&] { group->wait(*work); }); };
  const auto ended = [=, group = group.get()] {
    if (!work->isCompleted() && !group->broken) return false;
    wait();
    return true;
  };
  return {wait, ended};
}

std::function<void()> Ranks::give(const Tensor& tensor, int from) {
  std::vector<Tensor> tensors{tensor};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  auto work = reached([&] { return group->gloo->broadcast(tensors, options); });
  return [work, group = group.get()] { reached([&] { group->wait(*work); }); };
}

void Ranks::send(const Tensor& tensor, int to) {
  std::vector<Tensor> tensors{tensor};
  reached([&] { group->wait_for_one(group->gloo->send(tensors, to, 0)); });
}

void Ranks::receive(const Tensor& tensor, int from) {
  std::vector<Tensor> tensors{tensor};
  reached([&] { group->wait_for_one(group->gloo->recv(tensors, from, 0)); });
}

void Ranks::broadcast(const std::vector<Tensor>& tensors) {
  for (const auto& tensor : tensors) {
    reached([&] {
      auto sent = std::vector<Tensor>{tensor.detach().contiguous()};
      group->gloo->broadcast(sent)->wait();
      if (!sent[0].is_alias_of(tensor)) tensor.detach().copy_(sent[0]);
    });
  }
}

}  // namespace lvm

#endif
