#pragma once
#include "../graph/builder.h"
#include "device-adamw.h"

namespace lvm {

struct OptimizerOptions {
  double weight_decay, beta1, beta2, eps;
  double clip;        // largest global gradient norm; 0 for none
  double ema;         // decay of the averaged weights; 0 for none
  bool ema_warmup;    // the decay rises to `ema` over the first steps
  uint64_t seed = 0;  // of the stochastic rounding of bfloat16 weights and moments
};

// One of the processes that share the state of an optimizer: each keeps it for a part of the weights, which it alone changes.
struct Share {
  int rank = 0, size = 1;
};

// A parameter and what the optimizer keeps for it.
struct Slot {
  std::string name;
  Tensor value, m, v, average;  // average is undefined without ema
  Traits traits;
  double lr_scale = 1, weight_decay = 0;
  std::vector<int64_t> cuts =
    {};  // with several processes m, v and average of rank r are flat, of elements cuts[r] to cuts[r + 1]

  double rate(double lr) const { return std::min(lr * lr_scale, traits.lr_cap); }
  // Whether a step changes the parameter. One that was frozen later may still have an earlier gradient.
  bool moves() const { return value.requires_grad() && value.grad().defined(); }
};

// Elements of a block of an update, and of a partial sum of the norm; fixed, so that neither depends on threads or processes.
constexpr int64_t grain = 1 << 16;

inline int64_t blocks_of(int64_t elements) { return (elements + grain - 1) / grain; }
// Sum of squares of at most one block.
double sum_of_squares(const float* g, int64_t n);

// Where the parts of each tensor begin and end when ranks divide the elements of all tensors among them.
std::vector<std::vector<int64_t>> cuts_of(const std::vector<Tensor>& tensors, int size);
// Returns the elements of a tensor that belong to a rank's shard; the tensor has the shape of the slot's weights.
Tensor part_of(const Slot& slot, const Tensor& whole, int rank);

// Applies factors of learning rates by name; with a factor of 0 a parameter becomes a constant of the backward pass.
std::vector<Parameter> scaled(std::vector<Parameter> parameters, const std::map<std::string, double>& factors);

// Clips gradients, applies AdamW and updates the averaged weights, in one call.
class Optimizer {
 public:
  Optimizer(const std::vector<Parameter>& parameters, OptimizerOptions options, Share share = {});

  // Applies one step, consumes the gradients, and returns their global norm before clipping. `squares`: those of the gradients'
  // norms, where they are known.
  // Errors: DIVERGED when it is not finite
  double step(double lr, const std::vector<double>& squares = {});
  // A step that does not wait for the device: `queue` returns the norm as a scalar tensor and may be recorded in a graph;
  // `prepare` comes before it, outside the graph.
  void prepare(double lr);
  Tensor queue(const Tensor& loss) { return device->step(slots, loss); }
  void restart() { device->restart(); }
  // Throws the error of a gradient norm that is not finite, in the step after `steps`.
  [[noreturn]] void refuse(double norm) const;
  // Swaps the weights with their average.
  void swap_average();

  std::vector<Slot> slots;
  int64_t steps = 0;
  const OptimizerOptions options;
  const Share share;
  // Returns the elements of a tensor that belong to this process: all of them, or a flat shard.
  Tensor part(const Slot& slot, const Tensor& whole) const {
    return slot.cuts.empty() ? whole : part_of(slot, whole, share.rank);
  }

 private:
  std::unique_ptr<DeviceAdamw> device;  // made when needed
  double average_decay() const;
  void update(size_t index, const Tensor& gradient, double scale, double lr);
};

}  // namespace lvm
