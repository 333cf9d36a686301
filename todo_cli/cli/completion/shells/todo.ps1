# Completion of todo and neon-todo for PowerShell, in $PROFILE:
# todo --show-completion powershell | Out-String | Invoke-Expression
#
# Program output (one candidate per line: word, tab, description) is data and is never evaluated. The program is called
# by one of its two names, never by the word on the line, which may be any path.

Register-ArgumentCompleter -Native -CommandName todo, neon-todo -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $name = if ($commandAst.GetCommandName() -match '(^|[\\/])neon-todo(\.exe)?$') { 'neon-todo' } else { 'todo' }
    $program = Get-Command -Name $name -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $program) { return }
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
        $Env:_TODO_COMPLETE_LINE = $commandAst.Extent.Text.PadRight($length).Substring(0, $length)
        $lines = @($null | & $program.Source 2>$null)
    } finally {
        [Console]::OutputEncoding = $encoding
        Remove-Item -Path Env:_TODO_COMPLETE_LINE -ErrorAction SilentlyContinue
    }
    $option = if ($wordToComplete -match '^--[^=]+=') { $Matches[0] } else { '' }
    foreach ($line in $lines) {
        $value, $description = $line -split "`t", 2
        if (-not $value) { continue }
        if (-not $description) { $description = $value }
        $text = $option + $value
        if ($text -notmatch '^[\w.,=-]+$') {
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
}
