#pragma once
#include "../graph/builder.h"

namespace lvm {

// Multi-head attention whose heads hold `inner` channels together.
Made make_attention_of(int64_t inner, const Node& node, Builder& b);

}  // namespace lvm
