#pragma once
#include "../graph/builder.h"

namespace lvm {

struct OptimizerOptions {
  double weight_decay, beta1, beta2, eps;
  double clip;        // largest global gradient norm; 0: no clipping
  double ema;         // decay of the averaged weights; 0: none are kept
  bool ema_warmup;    // the decay rises to `ema` from the first steps on
  uint64_t seed = 0;  // of the rounding of bfloat16 weights and moments
};

// Clipping, AdamW and the weight average in one call: the whole step from gradients to new weights goes through here.
class Optimizer {
 public:
  Optimizer(const std::vector<Parameter>& parameters, OptimizerOptions options);

  // Uses up the gradients and returns their global norm before clipping. Errors: DIVERGED when it is not finite.
  double step(double lr);
  // Trades the weights for their average and back.
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
