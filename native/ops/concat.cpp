// The outputs of several ops on one input, side by side.
//
//   y = [f₁(x) … fₙ(x)], by channel
//
// shapes  [batch, time, d] -> [batch, time, sum of their channels]
// errors  BAD_SPEC when there is no op inside

#include "../graph/branches.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Concat final : Branches {
  using Branches::Branches;
  Tensor forward(const Tensor& x, Pass& pass) override { return torch::cat(outputs(x, pass), -1); }
};

}  // namespace

Made make_concat(const Node& node, Builder& b) { return std::make_unique<Concat>(node, b); }

}  // namespace lvm
