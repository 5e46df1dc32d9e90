#pragma once
#include "../graph/builder.h"

namespace lvm {

// State-space recurrence of every channel: s' = g s − q Re Σ v s + b u, y = Re Σ c s' + D u; q and v may be undefined.
// Shapes: all [d, n], complex
struct Recurrence {
  Tensor g, b, c, q, v;
};

// Base of S4 and S4D: a long convolution over a whole context, a recurrence in a stepper.
struct StateSpace : Layer {
  explicit StateSpace(Builder& b) : slot(b.slot()) {}
  bool mixes() const override { return true; }
  Tensor forward(const Tensor& x, Pass& pass) override;

  // The first values of the impulse response without D, on the CPU.
  // Shapes: -> [time, d]
  virtual Tensor taps(int64_t time) const = 0;
  virtual Recurrence recurrence(torch::Device device) const = 0;

  Tensor skip;  // D

 private:
  Tensor continued(const Tensor& x, const Tensor& d, Pass& pass) const;
  size_t slot;
};

// Longest context whose impulse response is computed on CUDA, so that a training step needs no CPU.
constexpr int64_t device_taps = 64;

// Moves a parameter to a device, in float32 or float64.
Tensor precise(const Tensor& parameter, torch::Device device = torch::kCPU);
// Views [..., 2] real numbers as complex ones.
Tensor as_complex(const Tensor& pairs);
// Draws the logarithm of a time scale between 1/1000 and 1/10.
Init time_scale();

}  // namespace lvm
