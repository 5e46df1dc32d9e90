#pragma once
#include "../graph/builder.h"

namespace lvm {

struct OptimizerOptions {
  double weight_decay, beta1, beta2, eps;
  double clip;        // largest global gradient norm; 0 for none
  double ema;         // decay of the averaged weights; 0 for none
  bool ema_warmup;    // the decay rises to `ema` over the first steps
  uint64_t seed = 0;  // of the stochastic rounding of bfloat16 weights and moments
};

// Clips gradients, applies AdamW and updates the averaged weights, in one call.
class Optimizer {
 public:
  Optimizer(const std::vector<Parameter>& parameters, OptimizerOptions options);

  // Applies one step, consumes the gradients, and returns their global norm before clipping.
  // Errors: DIVERGED when it is not finite
  double step(double lr);
  // Swaps the weights with their average.
  void swap_average();

  struct Slot {
    std::string name;
    Tensor value, m, v, average;  // average is undefined without ema
    Traits traits;
  };
  std::vector<Slot> slots;
  int64_t steps = 0;
  const OptimizerOptions options;

 private:
  double average_decay() const;
  void update(size_t index, const Tensor& gradient, double scale, double lr);
};

}  // namespace lvm
