# AWS: list, describe and read; a person decides deletions, other changes are denied.
# Identity, sessions, keys and secrets are off limits, read or write. The role behind the key is the other half: give it no
# more than it needs.
#
#   clawpatrol secret set aws:access_key_id
#   clawpatrol secret set aws:secret_access_key

endpoint "https" "aws" {
  hosts       = ["*.amazonaws.com", "*.api.aws"]
  description = "AWS APIs"
  unmatched   = "deny"
}

credential "aws_credential" "aws" {
  endpoint = https.aws
}

# How a call names its operation: REST services by method and path, JSON services in X-Amz-Target, query services in a form
# as Action=…, newer ones in the path /service/NAME/operation/NAME.

rule "aws-identity" {
  endpoint  = https.aws
  priority  = 1000
  condition = <<-CEL
    http.host.matches(r'(^|\.)(iam|sts|kms|secretsmanager|sso|oidc|identitystore|cognito-identity|cognito-idp|organizations|account|rolesanywhere|acm-pca|cloudhsmv2|signin)(-fips)?\.')
  CEL
  verdict   = "deny"
  reason    = "identity, sessions, keys and secrets are off limits"
}

# Under these names of AWS anybody can publish a server of their own, which would get whatever an agent sends. (So can
# anybody a bucket: who should read one bucket only, names it in hosts.)
rule "aws-published" {
  endpoint  = https.aws
  priority  = 1000
  condition = <<-CEL
    http.host.matches(r'\.(execute-api|elb|compute|compute-1|es|aoss|appsync-api|appsync-realtime-api|iot|s3-website)[.-]|\.s3-website-|(^|\.)compute-1\.')
  CEL
  verdict   = "deny"
  reason    = "anybody can publish a server under this name"
}

# Calls of other services whose answer lets one in somewhere.
rule "aws-ways-in" {
  endpoint  = https.aws
  priority  = 900
  condition = <<-CEL
    ('X-Amz-Target' in http.headers && http.headers['X-Amz-Target'].exists(t, t.matches(
      r'(?i)\.(.*(credential|secret|password|token|accessdetails|instanceaccess|signinurl|presigned).*|getparameters?|getparametersbypath|getparameterhistory|getconnections?|getactivitytask|startsession|resumesession|sendcommand|decrypt|generatedatakey.*)$')))
    || http.body.matches(r'(?i)(^|&)action=[^&]*(credential|secret|password|token|presigned|assumerole|consolescreenshot)')
    || http.body.matches(r'(?i)=userdata(&|$)')
    || http.path.matches(r'(?i)/operation/(.*(credential|secret|password|token|presigned).*|getparameters?|getparametersbypath|getparameterhistory|getconnections?|decrypt|startsession)$')
    || http.path.matches(r'(?i)/(authorization-token|credentials?|federation|oauth2|session-token|dataaccess|embed-url)(/|$)')
    || http.query.exists(k, k.lowerAscii() in ['session', 'includevalue', 'includevalues'])
  CEL
  verdict   = "deny"
  reason    = "credentials, secrets and remote sessions are off limits"
}

# --- a person decides

# What programs are started with often holds passwords: environments of functions and containers, launch templates.
rule "aws-environments" {
  endpoint  = https.aws
  priority  = 200
  condition = <<-CEL
    (http.host.matches(r'(^|\.)lambda(-fips)?\.') && http.path.matches(r'/functions(/[^/]+(/configuration|/versions)?)?/?$') && http.method in ['GET', 'HEAD'])
    || (http.host.matches(r'(^|\.)amplify\.') && http.method in ['GET', 'HEAD'])
    || ('X-Amz-Target' in http.headers && http.headers['X-Amz-Target'].exists(t, t.matches(
      r'(?i)\.(describetaskdefinition|batchgetprojects|batchgetbuilds|getjobs?|describetrainingjob)$')))
    || http.body.matches(r'(?i)(^|&)action=(describelaunchtemplateversions|describelaunchconfigurations|describeconfigurationsettings)')
  CEL
  approve   = [builtin.dashboard]
  reason    = "read the environment of programs"
}

rule "aws-delete" {
  endpoint  = https.aws
  priority  = 100
  condition = <<-CEL
    http.method == 'DELETE'
    || ('X-Amz-Target' in http.headers && http.headers['X-Amz-Target'].exists(t, t.matches(
      r'\.(Batch)?(Delete|Terminate|Remove|Deregister|Purge|Destroy|Revoke|Disable|Stop|Cancel|Detach|Disassociate|Release|Schedule[A-Za-z]*Deletion)')))
    || http.path.matches(r'/operation/(Delete|Terminate|Remove|Deregister|Purge|Stop|Disable)[A-Za-z0-9]*$')
    || http.body.matches(r'^Action=(Delete|Terminate|Remove|Deregister|Purge|Revoke|Disable|Stop|Cancel|Detach|Disassociate|Release)[A-Za-z0-9]*(&|$)')
    || (http.method == 'POST' && 'delete' in http.query)
  CEL
  approve   = [builtin.dashboard]
  reason    = "delete in AWS"
}

# --- reads

# REST: a GET without a body and without an operation in its query.
rule "aws-rest-read" {
  endpoint  = https.aws
  condition = <<-CEL
    http.method in ['GET', 'HEAD']
    && !('X-Amz-Target' in http.headers) && !http.query.exists(k, k.lowerAscii() == 'action')
    && !http.path.contains('/operation/') && http.body == ''
  CEL
  verdict   = "allow"
}

rule "aws-json-read" {
  endpoint  = https.aws
  condition = <<-CEL
    http.method == 'POST' && http.path == '/' && size(http.query) == 0
    && 'X-Amz-Target' in http.headers && http.headers['X-Amz-Target'].size() == 1
    && http.headers['X-Amz-Target'][0].matches(r'^[A-Za-z0-9_]+\.(Get|List|Describe|BatchGet|Query|Scan|Search|Lookup|Filter|Count)[A-Za-z0-9]*$')
    && 'Content-Type' in http.headers && http.headers['Content-Type'].all(c, c.startsWith('application/x-amz-json-1.'))
  CEL
  verdict   = "allow"
}

# One Action, first in the form, and no other name in it that decodes to the same.
rule "aws-query-read" {
  endpoint  = https.aws
  condition = <<-CEL
    http.method == 'POST' && http.path == '/' && size(http.query) == 0 && !('X-Amz-Target' in http.headers)
    && 'Content-Type' in http.headers && http.headers['Content-Type'].all(c, c.startsWith('application/x-www-form-urlencoded'))
    && http.body.matches(r'^Action=(Get|List|Describe|Lookup|Search)[A-Za-z0-9]*(&[A-Za-z0-9_.-]+=[^&;]*)*$')
    && !http.body.matches(r'(?i)&action=')
  CEL
  verdict   = "allow"
}

rule "aws-rpc-read" {
  endpoint  = https.aws
  condition = <<-CEL
    http.method == 'POST' && size(http.query) == 0 && !('X-Amz-Target' in http.headers)
    && http.path.matches(r'^/service/[A-Za-z0-9_]+/operation/(Get|List|Describe|Lookup|Search)[A-Za-z0-9]*$')
  CEL
  verdict   = "allow"
}
