// The activations that RNN, GRU and LSTM name in a list.
#pragma once
#include <vector>

#include "ir/attributes.h"
#include "ir/rules/recurrent_rules.h"

namespace edgeopt {

/// One function for every name in `activations` (or `otherwise`, once per direction), with alpha and beta
/// from activation_alpha and activation_beta. throws UserError for an unknown name
std::vector<Activation> activations_of(const Attributes& attributes,
                                       const std::vector<std::string>& otherwise, std::size_t directions);

}  // namespace edgeopt
