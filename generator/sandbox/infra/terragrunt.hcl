# Root of all stacks: state, variables and providers, written once.

locals {
  # These come up before the state database does and keep their state in a file.
  tier0_stacks = ["infra", "platform", "cnpg", "vault", "dbaas", "external-secrets"]
  stack_name   = replace(path_relative_to_include(), "stacks/", "")
  is_tier0     = contains(local.tier0_stacks, local.stack_name)
}

remote_state {
  backend = local.is_tier0 ? "local" : "pg"
  generate = {
    path      = "backend.tf"
    if_exists = "overwrite_terragrunt"
  }
  config = local.is_tier0 ? {
    path = "${get_repo_root()}/state/${path_relative_to_include()}/terraform.tfstate"
    } : {
    conn_str    = get_env("PG_CONN_STR", "")
    schema_name = local.stack_name
  }
}

terraform {
  extra_arguments "common_vars" {
    commands           = get_terraform_commands_that_need_vars()
    required_var_files = ["${get_repo_root()}/config.tfvars"]
  }

  extra_arguments "kube_config" {
    commands  = get_terraform_commands_that_need_vars()
    arguments = ["-var", "kube_config_path=${get_repo_root()}/config"]
  }
}

generate "k8s_providers" {
  path      = "providers.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<EOF
terraform {
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 3.2.1"
    }
    vault = {
      source  = "hashicorp/vault"
      version = "~> 4.0"
    }
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 4"
    }
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.14"
    }
  }
}

variable "kube_config_path" {
  type    = string
  default = "~/.kube/config"
}

provider "kubernetes" {
  config_path = var.kube_config_path
}
EOF
}

generate "tiers" {
  path      = "tiers.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<EOF
locals {
  tiers = {
    core    = "0-core"
    cluster = "1-cluster"
    gpu     = "2-gpu"
    edge    = "3-edge"
    aux     = "4-aux"
  }
}
EOF
}
