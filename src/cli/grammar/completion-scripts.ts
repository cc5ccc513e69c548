/** What each shell needs to ask the program itself what may come next (`completion.ts`). `PROGRAM` is replaced. */

const BASH = `# bash completion for PROGRAM
__PROGRAM_complete() {
  local word=\${COMP_WORDS[COMP_CWORD]} answer line directive= prefix=
  # Bash splits words at '='; the program wants them whole.
  local words=() index
  for ((index = 1; index <= COMP_CWORD; index++)); do
    if [[ \${COMP_WORDS[index]} == '=' && \${#words[@]} -gt 0 ]]; then
      words[-1]+='='
    elif [[ \${#words[@]} -gt 0 && \${words[-1]} == *= && \${COMP_WORDS[index - 1]} == '=' ]]; then
      words[-1]+=\${COMP_WORDS[index]}
    else
      words+=("\${COMP_WORDS[index]}")
    fi
  done
  if [[ \${words[-1]} == *=* && \${words[-1]} == -* ]]; then prefix=\${words[-1]%%=*}=; fi
  if [[ $word == '=' ]]; then word=; fi
  answer=$("\${COMP_WORDS[0]}" __completeNoDesc "\${words[@]}" 2>/dev/null) || return
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then directive=$line; else COMPREPLY+=("\${line#"$prefix"}"); fi
  done <<<"$answer"
  if [[ $directive == :0 ]]; then compopt -o filenames 2>/dev/null; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word"); fi
}
complete -F __PROGRAM_complete PROGRAM
`;

const ZSH = `#compdef PROGRAM
# zsh completion for PROGRAM
_PROGRAM() {
  local answer line directive
  local -a candidates
  answer=$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null) || return 1
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      directive=$line
    else
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${(M)line:#*$'\\t'*}:+:\${line#*$'\\t'}}")
    fi
  done <<<"$answer"
  (( \${#candidates} )) && _describe PROGRAM candidates
  [[ $directive == :0 ]] && _files
}
if [ "\${funcstack[1]}" = "_PROGRAM" ]; then _PROGRAM "$@"; elif (( $+functions[compdef] )); then compdef _PROGRAM PROGRAM; fi
`;

const FISH = `# fish completion for PROGRAM
function __PROGRAM_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answer ($words[1] __complete $words[2..-1] 2>/dev/null); or return
  set -l directive $answer[-1]
  if test (count $answer) -gt 1; printf '%s\\n' $answer[1..-2]; end
  if test "$directive" = :0; __fish_complete_path (commandline -ct); end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`;

const POWERSHELL = `# PowerShell completion for PROGRAM
Register-ArgumentCompleter -Native -CommandName PROGRAM -ScriptBlock {
  param($word, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.StartOffset -lt $position } | ForEach-Object { $_.Extent.Text })
  if ($word -eq '') { $words += '' }
  $answer = @(& PROGRAM __complete @words 2>$null)
  $answer | Where-Object { -not $_.StartsWith(':') } | ForEach-Object {
    $text, $about = $_ -split "\`t", 2
    if (-not $about) { $about = $text }
    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $about)
  }
}
`;

export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
};
