module "nfs_models" {
  source     = "../../modules/kubernetes/nfs_volume"
  name       = "transcriber-models"
  namespace  = kubernetes_namespace.transcriber.metadata[0].name
  nfs_server = var.nfs_server
  nfs_path   = "/srv/nfs-ssd/models"
  storage    = "50Gi"
}
