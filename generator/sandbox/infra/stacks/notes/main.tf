variable "tls_secret_name" {
  type      = string
  sensitive = true
}

resource "kubernetes_namespace" "notes" {
  metadata {
    name = "notes"
    labels = {
      tier               = local.tiers.aux
      "istio-injection"  = "disabled"
      "keel.sh/enrolled" = "true"
    }
  }
  lifecycle {
    # KYVERNO_LIFECYCLE_V1: label of the autoscaler's policy
    ignore_changes = [metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]]
  }
}

resource "kubernetes_deployment" "notes" {
  metadata {
    name      = "notes"
    namespace = kubernetes_namespace.notes.metadata[0].name
    labels = {
      app  = "notes"
      tier = local.tiers.aux
    }
  }
  spec {
    replicas = 1
    selector {
      match_labels = { app = "notes" }
    }
    template {
      metadata {
        labels = { app = "notes" }
      }
      spec {
        container {
          name  = "notes"
          image = "docker.io/zadam/trilium:0.63.7"
          port {
            container_port = 8080
          }
          resources {
            requests = { cpu = "10m", memory = "64Mi" }
            limits   = { memory = "128Mi" }
          }
        }
      }
    }
  }
  lifecycle {
    ignore_changes = [
      spec[0].template[0].spec[0].dns_config,         # KYVERNO_LIFECYCLE_V1
      spec[0].template[0].spec[0].container[0].image, # KEEL_IGNORE_IMAGE
      metadata[0].annotations["keel.sh/policy"],      # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/trigger"],
      metadata[0].annotations["keel.sh/pollSchedule"],
      metadata[0].annotations["keel.sh/match-tag"],
      metadata[0].annotations["kubernetes.io/change-cause"],
      metadata[0].annotations["deployment.kubernetes.io/revision"],
      spec[0].template[0].metadata[0].annotations["keel.sh/update-time"], # KEEL_LIFECYCLE_V1
    ]
  }
}

resource "kubernetes_service" "notes" {
  metadata {
    name      = "notes"
    namespace = kubernetes_namespace.notes.metadata[0].name
    labels    = { app = "notes" }
  }
  spec {
    selector = { app = "notes" }
    port {
      name        = "http"
      port        = 80
      target_port = 8080
    }
  }
}

module "ingress" {
  source = "../../modules/kubernetes/ingress_factory"
  # auth = "app": Trilium asks for its own password, and its desktop client cannot sign on elsewhere.
  auth            = "app"
  dns_type        = "non-proxied"
  namespace       = kubernetes_namespace.notes.metadata[0].name
  name            = "notes"
  tls_secret_name = var.tls_secret_name
  extra_annotations = {
    "gethomepage.dev/description" = "Notes in a tree"
  }
}
