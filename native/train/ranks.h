#pragma once
#include "../error.h"

#include "../torch.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace lvm {

using torch::Tensor;

struct RanksOptions {
  int rank, size;
  std::string address;  // of the store
  int port;             // of the store; 0 lets its server choose one
  bool serve;           // this process runs the store
  std::string prefix;   // of all keys
  std::chrono::milliseconds timeout;
  bool share_memory;  // where all ranks are on one machine
};

// A sum that is on its way. Errors of both: RANK_LOST
struct Sum {
  void operator()() const { wait(); }
  std::function<void()> wait;
  std::function<bool()> ended;  // does not wait
};

// The processes of a data-parallel training: a store of texts that all of them read and write, and sums of tensors over them.
// Collective calls are made by all ranks in the same order.
// Errors: RANK_LOST when another rank does not answer; DEVICE_UNAVAILABLE where libtorch has no Gloo
class Ranks {
 public:
  explicit Ranks(const RanksOptions& options);
  ~Ranks();
  int port() const;
  void set(const std::string& key, const std::string& value);
  std::optional<std::string> get(const std::string& key);
  // What this rank is doing. A thread publishes it four times a second with a counter, as "beat/RANK".
  void note(const std::string& text);
  // Connects all ranks through the interface with this address or name; empty: that of the host's name.
  void connect(const std::string& address, const std::string& interface);
  // Begins to add a tensor up over all ranks, in place.
  Sum sum(const Tensor& tensor);
  // Begins to overwrite a tensor with that of a rank; the returned function waits for the end.
  std::function<void()> give(const Tensor& tensor, int from);
  // Two ranks exchange a contiguous tensor, and both wait.
  void send(const Tensor& tensor, int to);
  void receive(const Tensor& tensor, int from);
  // After a failure: ends all waits for another rank, and sums are left behind, because the end of the group would wait for them
  // too.
  void abandon();
  // Overwrites tensors with those of rank 0.
  void broadcast(const std::vector<Tensor>& tensors);

  const int rank, size;
  const bool share_memory;

 private:
  struct Group;
  std::unique_ptr<Group> group;
};

}  // namespace lvm
