#pragma once
#include "../graph/builder.h"

namespace lvm {

// A state space of every channel in steps: s' = g s − q Re Σ v s + b u, y = Re Σ c s' + D u; q and v may be missing.
// Shapes: all [d, n], complex
struct Recurrence {
  Tensor g, b, c, q, v;
};

// What S4 and its diagonal form share: the answer to one input is a long convolution, or a recurrence when it steps.
struct StateSpace : Layer {
  explicit StateSpace(Builder& b) : slot(b.slot()) {}
  bool mixes() const override { return true; }
  Tensor forward(const Tensor& x, Pass& pass) override;

  // The first answers to a single 1, without D, on the CPU. Shapes: -> [time, d]
  virtual Tensor taps(int64_t time) const = 0;
  virtual Recurrence recurrence() const = 0;

  Tensor skip;  // D

 private:
  Tensor continued(const Tensor& x, const Tensor& d, Pass& pass) const;
  size_t slot;
};

// On the CPU, in float32 or better: what kernels are computed from.
Tensor precise(const Tensor& parameter);
// [..., 2] real numbers as complex ones.
Tensor as_complex(const Tensor& pairs);
// The logarithm of a time scale between 1/1000 and 1/10.
Init time_scale();

}  // namespace lvm
