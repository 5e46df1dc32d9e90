#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace lvm {

// Temperature of the contrastive loss: one number that training learns beside the weights, by Adam on its logarithm.
struct Temperature {
  double log = std::log(0.03), m = 0, v = 0;
  double gradient = 0;  // of the current step

  void step(double lr, double beta1, double beta2, double eps, int64_t steps) {
    m += (gradient - m) * (1 - beta1);
    v = beta2 * v + (1 - beta2) * gradient * gradient;
    const auto t = double(steps);
    log -= lr / (1 - std::pow(beta1, t)) * m / (std::sqrt(v / (1 - std::pow(beta2, t))) + eps);
    log = std::clamp(log, std::log(0.01), 0.0);
    gradient = 0;
  }
};

}  // namespace lvm
