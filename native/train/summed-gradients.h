#pragma once
#include "shared-sums.h"

#include <vector>

namespace lvm {

// Adds the gradients of all ranks up: in memory that they share, or in buckets that are sent while the backward pass goes on.
class SummedGradients {
 public:
  // `overlap` false: sends nothing before `finish`, for a backward pass that adds to a gradient several times.
  SummedGradients(std::vector<Tensor> weights, std::shared_ptr<Ranks> ranks, bool overlap);
  ~SummedGradients();
  SummedGradients(const SummedGradients&) = delete;
  SummedGradients& operator=(const SummedGradients&) = delete;

  // Before the first step, when all ranks are connected. Collective.
  void begin();
  // Called before the last backward pass of a step: a gradient that it has added to is complete.
  void complete_next();
  // Waits for all sums, which replace the gradients, and for the sum of `figures`.
  void finish(const Tensor& figures);
  // Squares of the norms of the sums, where they are known.
  std::vector<double> squares;

 private:
  struct Hook;
  struct Bucket {
    Tensor flat;
    std::vector<size_t> which;  // weights
    std::vector<int64_t> at;    // their places in `flat`
    size_t missing = 0;
    std::function<void()> wait;
  };
  Tensor place(const Bucket& bucket, size_t i) const;
  void ready(size_t weight);
  void keep(size_t weight);
  void finish_shared(const Tensor& figures);
  void send_ready();
  void send(Bucket& bucket);

  const std::vector<Tensor> weights;
  const std::shared_ptr<Ranks> ranks;
  const bool overlap;
  bool sending = false;
  std::vector<Bucket> buckets;
  std::vector<std::pair<size_t, size_t>> place_of;  // bucket and place of each weight
  size_t next = 0;                                  // bucket to send
  std::unique_ptr<SharedSums> shared;               // instead of buckets
  std::vector<bool> kept;                           // weights whose gradient is in shared memory
  std::function<void()> sums_used;                  // waits until no rank needs the last sums
};

}  // namespace lvm
