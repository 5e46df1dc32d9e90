// Counts training passes, and redraws the random features of all layers behind it after every `every` passes.
//
//   y = x
//
// shapes  [batch, time, d] -> the same; calls_since_last_redraw [], a buffer
// source  Choromanski et al. 2020, arXiv:2009.14794; parity: performer

#include "op-table.h"

namespace lvm {
namespace {

struct Redraw final : Layer {
  Redraw(const Node& node, Builder& b)
      : every(node.integer("every")), calls(b.buffer("calls_since_last_redraw", torch::zeros({}, torch::kInt64))) {}

  Tensor forward(const Tensor& x, Pass& pass) override {
    if (pass.training) {
      const torch::NoGradGuard no_grad;
      pass.redraw = calls.item<int64_t>() >= every;
      if (pass.redraw) calls.zero_();
      else calls.add_(1);
    }
    return x;
  }
  int64_t every;
  Tensor calls;
};

}  // namespace

Made make_redraw(const Node& node, Builder& b) { return std::make_unique<Redraw>(node, b); }

}  // namespace lvm
