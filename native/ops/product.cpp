// The product of several ops on one input.
//
//   y = f₁(x) · … · fₙ(x), by element
//
// shapes  [batch, time, d] -> the output of each
// errors  BAD_SPEC when there is no op inside

#include "../graph/branches.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Product final : Branches {
  using Branches::Branches;
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto all = outputs(x, pass);
    auto y = all[0];
    for (size_t i = 1; i < all.size(); ++i) y = y * all[i];
    return y;
  }
};

}  // namespace

Made make_product(const Node& node, Builder& b) { return std::make_unique<Product>(node, b); }

}  // namespace lvm
