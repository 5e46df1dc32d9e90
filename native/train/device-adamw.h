#pragma once
#include "../graph/builder.h"

namespace lvm {

struct OptimizerOptions;
struct Slot;

// AdamW on an accelerator: libtorch's fused update of all parameters at once, clipping, and the averaged weights. Nothing is read
// back, so that steps can be queued or recorded in a graph. On the CPU it serves tests.
class DeviceAdamw {
 public:
  DeviceAdamw(const std::vector<Slot>& slots, const OptimizerOptions& options);

  // Sets the inputs of the next step: its learning rate, the weight of the parameters in their average, the steps before it.
  void prepare(double lr, double average_weight, int64_t steps);
  // Applies one step, consumes the gradients, and returns their norm before clipping as a scalar tensor. Once a norm or loss was
  // not finite, parameters stay as they are until `restart`.
  Tensor step(const std::vector<Slot>& slots, const Tensor& loss);
  void restart() { broken.zero_(); }

 private:
  const OptimizerOptions& options;
  Tensor lr, average_weight, steps, broken;  // scalars
};

}  // namespace lvm
