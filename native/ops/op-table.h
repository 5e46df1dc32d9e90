#pragma once
#include "../graph/builder.h"

namespace lvm {

Made make_chain(const Node&, Builder&);
Made make_residual(const Node&, Builder&);
Made make_memory(const Node&, Builder&);
Made make_product(const Node&, Builder&);
Made make_concat(const Node&, Builder&);
Made make_predictor(const Node&, Builder&);
Made make_memory_input(const Node&, Builder&);
Made make_memory_mixture(const Node&, Builder&);
Made make_linear(const Node&, Builder&);
Made make_layer_norm(const Node&, Builder&);
Made make_rms_norm(const Node&, Builder&);
Made make_activation(const Node&, Builder&);
Made make_dropout(const Node&, Builder&);
Made make_sinusoid(const Node&, Builder&);
Made make_positions(const Node&, Builder&);
Made make_conv(const Node&, Builder&);
Made make_lstm(const Node&, Builder&);
Made make_gru(const Node&, Builder&);
Made make_attention(const Node&, Builder&);
Made make_narrow_attention(const Node&, Builder&);
Made make_attend(const Node&, Builder&);
Made make_mamba2(const Node&, Builder&);
Made make_time_mixing(const Node&, Builder&);
Made make_channel_mixing(const Node&, Builder&);
Made make_linformer(const Node&, Builder&);
Made make_retention(const Node&, Builder&);
Made make_s4(const Node&, Builder&);
Made make_s4d(const Node&, Builder&);
Made make_hyena(const Node&, Builder&);
Made make_pointwise(const Node&, Builder&);
Made make_favor(const Node&, Builder&);
Made make_redraw(const Node&, Builder&);
Made make_flatten(const Node&, Builder&);
Made make_text_model(const Node&, Builder&);
Made make_embedding(const Node&, Builder&);
Made make_absolute_positions(const Node&, Builder&);
Made make_token_type(const Node&, Builder&);
Made make_relative_bias(const Node&, Builder&);
Made make_text_attention(const Node&, Builder&);
Made make_pool(const Node&, Builder&);
Made make_unit(const Node&, Builder&);

const std::vector<Op>& ops();
const Op& find_op(const std::string& name);

}  // namespace lvm
