// A residual connection around a chain of ops.
//
//   y = x + dropout(f(x))
//
// shapes  [batch, time, d] -> the same

#include "../kernels/recompute.h"
#include "../kernels/seeded-dropout.h"
#include "chain.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Residual final : Chain {
  Residual(const Node& node, Builder& b) : Chain(node, b), rate(node.real("dropout")) {}
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto branch = [this](const Tensor& x, Pass& pass) { return dropout(Chain::forward(x, pass), rate, pass); };
    // The branch reads its own view of x, so that its gradients are summed before that of x is added, as under recomputation.
    const auto y = pass.recompute ? recomputed_layer(x, pass, branch) : branch(pass.training ? x.view_as(x) : x, pass);
    return (y.size(1) == x.size(1) ? x : last_position(x)) + y;
  }
  double rate;
};

}  // namespace

Made make_residual(const Node& node, Builder& b) { return std::make_unique<Residual>(node, b); }

}  // namespace lvm
