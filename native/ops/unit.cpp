// Scales every vector to length 1.
//
//   y = x / max(|x|, 1e-12)
//
// shapes  […, d] -> the same
// source  torch.nn.functional.normalize; parity: sentence-transformers

#include "op-table.h"

namespace lvm {
namespace {

struct Unit final : Layer {
  Tensor forward(const Tensor& x, Pass&) override { return x / x.norm(2, -1, true).clamp_min(1e-12); }
};

}  // namespace

Made make_unit(const Node&, Builder&) { return std::make_unique<Unit>(); }

}  // namespace lvm
