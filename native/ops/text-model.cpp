// The root of a model that reads token ids: an encoder of texts, or a part of one.
//
//   y = fₙ(… f₁(ids))
//
// shapes  ids [tokens] of several texts, one after the other -> [tokens, dim], or [texts, dim] after a pool
// source  own

#include "chain.h"
#include "op-table.h"

namespace lvm {

Made make_text_model(const Node& node, Builder& b) { return std::make_unique<Chain>(node, b); }

}  // namespace lvm
