# Stand-in for the encrypted values of a real platform.
tls_secret_name       = "tls-secret"
nfs_server            = "192.0.2.10"
redis_host            = "redis-master.redis.svc.cluster.local"
postgresql_host       = "postgresql.dbaas.svc.cluster.local"
mysql_host            = "mysql.dbaas.svc.cluster.local"
mail_host             = "mail.viktorbarzin.me"
cloudflare_account_id = "00000000000000000000000000000000"
cloudflare_zone_id    = "00000000000000000000000000000000"
