#pragma once
#include "optimizer.h"
#include "ranks.h"

#include <unordered_map>

namespace lvm {

// Sharded optimizer state: each rank keeps moments and averages of its shard, and updates these weights. Rank 0 receives the
// shards of the others while it writes a checkpoint, one tensor at a time.
// source  Rajbhandari et al. 2020, arXiv:1910.02054 §5.1 (ZeRO stage 1); gradients are summed on every rank
class SharedState {
 public:
  // A moment or an average in the shape of its weight, without memory until it is written.
  struct Whole {
    std::string name;
    Tensor m, v, average;
  };

  SharedState(Optimizer& optimizer, std::shared_ptr<Ranks> ranks) : optimizer(optimizer), ranks(std::move(ranks)) {}

  // Moves the weights into memory that all ranks see, where there is such memory. Collective.
  void share_weights();
  // Gives all ranks the parts of the weights that each has changed. Collective.
  void give_weights();
  // Swaps the weights with their averages. Collective.
  void swap_average();
  // The state for `write`, on rank 0.
  std::vector<Whole> whole();
  // Writes a value with tensors of `whole` to a .pt file, on rank 0; meanwhile the others `serve`. Errors: those of write_pt
  void write(const std::string& path, const c10::IValue& value);
  void serve();

 private:
  struct Place {
    size_t slot;
    int64_t which;  // of m, v and average
    Tensor tensor;
  };
  Tensor& own(size_t slot, int64_t which);
  Tensor promised(size_t slot, int64_t which);
  void fill(const Tensor& tensor);
  void ask(int64_t slot, int64_t which);

  Optimizer& optimizer;
  const std::shared_ptr<Ranks> ranks;
  std::unordered_map<const c10::StorageImpl*, Place> places;
  bool seen_by_all = false;  // the weights
};

}  // namespace lvm
