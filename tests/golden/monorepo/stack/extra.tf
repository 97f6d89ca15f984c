# What newservice has no question for belongs here. This file is made once and never written again; it can use
# local.namespace, local.labels and local.image.
