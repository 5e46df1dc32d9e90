#pragma once
#include "optimizer.h"

namespace lvm {

struct SgdOptions {
  double momentum, weight_decay;
  bool nesterov;
  double clip;  // largest global gradient norm; 0 for none
};

// Stochastic gradient descent.
//   g ← g · min(1, clip / (|g| + 1e-6)) + λ p;   b ← μ b + g (b = g in the first step);   p ← p − lr (b, or g + μ b with
//   nesterov)
// source  torch.optim.SGD; Sutskever et al. 2013
class Sgd {
 public:
  Sgd(const std::vector<Parameter>& parameters, SgdOptions options);
  // Applies one step, consumes the gradients, and returns their global norm before clipping.
  // Errors: DIVERGED when it is not finite
  double step(double lr);

  std::vector<Slot> slots;  // m: the momentum; undefined without it
  int64_t steps = 0;
  const SgdOptions options;
};

}  // namespace lvm
