// Distillation of models as files hold them: of any opset.
#pragma once
#include "calibration/samples/samples.h"
#include "calibration/training/distillation.h"
#include "ir/graph.h"

namespace edgeopt {

/// distill() for models of any opset: those below the first that gradients are written in are raised to it,
/// two of different opsets to 21 (what is later stays), and the result stays there. throws  UserError if they
/// cannot be raised, or as distill() does
Distilled distill_model(const Graph& student, const Graph& teacher, const SampleSource& samples,
                        const DistillationOptions& options);

}  // namespace edgeopt
